"""Two hosts, each with an engine and a network of its own, share a run by way of a registry."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.containers import owned
from harness.dask_cluster import DaskCluster, dask_cluster
from harness.hosts import HERE, Host, hosts
from harness.many_classes import many_classes
from harness.ports import free_ports
from harness.projects import (
    PROJECTS,
    assert_agree,
    copy_of,
    environment,
    finish_recorded,
    run,
    start_recorded,
    toolkit,
    wait_for,
    write_tests,
)
from harness.registry import Registry, running_registry
from harness.tiers import further

pytestmark = [
    pytest.mark.machines_engine,
    further(
        "test_cluster has a cluster's outcomes and losses, and test_template_sharing what a "
        "registry gives."
    ),
]

SHOP = PROJECTS / "shop"
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("catalog", "LAST")]
    operations = [migrations.AddField("product", "colour", models.TextField(null=True))]
"""

CLASSES = 20


@dataclass(frozen=True, slots=True)
class Site:
    """Two hosts and a registry.

    Attributes:
        env: The variables of the parent, which has no engine.
    """

    first: Host
    second: Host
    registry: Registry
    env: dict[str, str]

    def env_of(self, host: Host) -> dict[str, str]:
        """The variables of what runs on a host, which has an engine and a cache of its own."""
        own = {"DOCKER_HOST": host.host, "XDG_CACHE_HOME": str(host.folder / "cache")}
        return {**self.env, **own}

    def count(self, host: Host) -> int:
        """How many containers of ours a host has."""
        client = host.client()
        try:
            return len(owned(client))
        finally:
            client.close()

    @contextmanager
    def cluster(self, folder: Path, *nodes: Host, **more: str) -> Iterator[DaskCluster]:
        """A scheduler on the machine between the hosts, and a Dask worker on each of these."""
        env = {**self.env, **more}
        with dask_cluster(folder, env, workers=0, address=HERE) as cluster:
            for node in nodes:
                cluster.add_worker(host=node, env={**self.env_of(node), **more})
            yield cluster


@pytest.fixture(scope="module")
def site(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("site")
    with (
        # The paths of sockets must be short.
        tempfile.TemporaryDirectory(prefix="h-", dir="/tmp") as short,
        hosts(Path(short), 2, port) as found,
        running_registry(folder, f"{HERE}:{port}") as registry,
    ):
        first, second = found.all
        # The second one has no image at all.
        first.take_images(base)
        extra = {
            "SHOP_DB": "postgresql",
            "OUTCOMES_DB": "postgresql",
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "DOCKER_CONFIG": str(registry.login),
            "CTEST_CONTAINERS_REGISTRY": registry.repository("acme/templates"),
        }
        yield Site(first, second, registry, environment(folder / "cache", extra))


def test_two_hosts_have_the_outcomes_of_one(site: Site, tmp_path: Path) -> None:
    # A template of its own, whatever other tests have shared before.
    named = ("--project", "on-two-hosts")
    env = site.env_of(site.first)
    alone = toolkit(SHOP, *named, "--push", env=env, record=tmp_path / "alone")
    assert "Pushed the template" in alone.output

    with site.cluster(tmp_path / "dask", site.first, site.second) as cluster:
        options = ("--cluster", str(cluster.file), "--parallel", "1", "-v", "2")
        both = toolkit(SHOP, *named, *options, env=site.env, record=tmp_path / "both")

    assert_agree(alone, both)
    assert both.output.count("Pulled the template") == 1
    assert "Running in 2 workers (on 2 nodes of the cluster)." in both.output
    assert site.registry.blobs_for(site.first.address) == 0


def test_a_host_pulls_only_the_layers_that_it_lacks(site: Site, tmp_path: Path) -> None:
    project = copy_of("shop", tmp_path)
    label = "catalog.tests.test_models"
    on_first = site.env_of(site.first)
    with site.cluster(tmp_path / "before", site.second) as cluster:
        options = (label, "--cluster", str(cluster.file), "--parallel", "1")
        run(project, "template", "build", "--push", env=on_first)
        run(project, *options, env=site.env)
    there = site.registry.blobs_for(site.second.address)
    folder = project / "catalog" / "migrations"
    last = max(file.stem for file in folder.glob("0*.py"))
    (folder / "0099_colour.py").write_text(MIGRATION.replace("LAST", last))

    grown = run(project, "template", "build", "--push", env=on_first)
    with site.cluster(tmp_path / "after", site.second) as cluster:
        options = (label, "--cluster", str(cluster.file), "--parallel", "1")
        done = run(project, *options, env=site.env)

    assert "incrementally" in grown.output
    assert done.code == 0, done.output
    came = re.search(
        r"Pulled the template .* \(([12]) layers? transferred, [3-9] already here\)", done.output
    )
    assert came is not None, done.output
    # Those layers, and the configuration of the image.
    assert site.registry.blobs_for(site.second.address) == there + int(came[1]) + 1


@pytest.mark.parametrize("victim", ["Dask worker", "engine"])
def test_a_host_whose_part_is_killed_in_the_middle_of_a_run_loses_no_test(
    victim: str, site: Site, tmp_path: Path
) -> None:
    project = copy_of("outcomes", tmp_path)
    write_tests(project, many_classes(CLASSES))
    witness = tmp_path / "witness"
    record = tmp_path / "record.json"
    run(project, "template", "build", "--push", env=site.env_of(site.first))

    with site.cluster(tmp_path / "dask", site.first, site.second, WITNESS=str(witness)) as cluster:
        options = ("--cluster", str(cluster.file), "--parallel", "1")
        process = start_recorded(project, *options, env=site.env, record=record)
        wait_for(lambda: site.count(site.second) == 1, 60, "a server on the second host")
        begun = len(witness.read_text().splitlines()) if witness.exists() else 0
        wait_for(
            lambda: witness.exists() and len(witness.read_text().splitlines()) > begun + 4,
            60,
            "more tests",
        )
        if victim == "engine":
            site.second.kill()
        else:
            cluster.kill_worker(1)
        done = finish_recorded(process, record)
    if victim == "engine":
        site.second.start()
        run(project, "clean", env=site.env_of(site.second))

    assert done.code == 0, done.output
    assert done.ran == 2 * CLASSES
    assert len({test for test, _, _ in done.outcomes}) == len(done.outcomes) == 2 * CLASSES
    assert {kind for _, kind in done.kinds} == {"success"}
    for host in (site.first, site.second):
        wait_for(lambda host=host: site.count(host) == 0, 30, "the end of all containers")
