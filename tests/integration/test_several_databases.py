"""Projects with several databases on several vendors, with a router, a mirror and dependencies."""

from __future__ import annotations

import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import docker
import pytest
from harness.projects import PROJECTS, assert_agree, copy_of, environment, run, toolkit
from harness.servers import Plain
from harness.truths import truth

from ctest_containers.engine.labels import OWNER

DEPOT = PROJECTS / "depot"

READING = """
    from django.db import migrations

    def forwards(apps, schema_editor):
        if schema_editor.connection.alias != "legacy":
            return
        statuses = apps.get_model("legacy", "Status").objects.using("legacy")
        for depot in apps.get_model("catalogue", "Depot").objects.using("default"):
            statuses.create(code=f"at {depot.code}")

    class Migration(migrations.Migration):
        dependencies = [
            ("legacy", "0004_add_open_orders"),
            ("catalogue", "0002_seed_services_and_depots"),
        ]
        operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
"""

READING_TESTS = """
    from django.test import TestCase
    from legacy.models import Status

    class ReadTests(TestCase):
        databases = {"legacy"}

        def test_rows(self):
            self.assertEqual(Status.objects.filter(code__startswith="at ").count(), 2)
"""


@pytest.fixture
def depot_env(cache: Path, engine: docker.DockerClient, mysql_flavour: str) -> dict[str, str]:
    """For the project with several databases; the servers that its settings name do not exist."""
    del engine
    nowhere = {"DEPOT_PG_PORT": "1", "DEPOT_MYSQL_PORT": "1"}
    return environment(cache, {**nowhere, "CTEST_CONTAINERS_MYSQL_IMAGE": mysql_flavour})


@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_on_three_vendors_ends_as_under_django(
    depot_env: dict[str, str], mysql_flavour: str, plain: Plain, tmp_path: Path
) -> None:
    reachable = {**depot_env, **plain("postgresql"), **plain(mysql_flavour)}
    expected = truth(DEPOT, env=reachable, record=tmp_path / "truth")

    cold = toolkit(DEPOT, "--parallel", "2", env=depot_env, record=tmp_path / "ours")
    warm = toolkit(DEPOT, "--parallel", "2", env=depot_env, record=tmp_path / "ours")

    assert_agree(expected, cold)
    assert_agree(expected, warm)


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_vendor_that_no_selected_test_uses_is_not_started(
    depot_env: dict[str, str], engine: docker.DockerClient
) -> None:
    since: Any = time.time()
    done = run(DEPOT, "ledger", "--parallel", "1", env=depot_env)
    now: Any = time.time()

    events = engine.events(
        since=since, until=now, filters={"event": "start", "label": OWNER}, decode=True
    )
    images = {event["Actor"]["Attributes"]["image"] for event in events}
    assert done.code == 0, done.output
    assert images
    assert [one for one in images if "/mysql" in one or "/mariadb" in one] == []


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_migration_reads_from_a_server_that_its_database_depends_on(
    depot_env: dict[str, str], tmp_path: Path
) -> None:
    project = copy_of("depot", tmp_path)
    (project / "legacy" / "migrations" / "0005_read.py").write_text(dedent(READING))
    (project / "legacy" / "tests" / "test_read.py").write_text(dedent(READING_TESTS))

    done = run(project, "legacy.tests.test_read", env=depot_env)

    assert done.code == 0, done.output


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_migration_that_writes_to_another_server_is_refused_and_not_lost(
    depot_env: dict[str, str], tmp_path: Path
) -> None:
    project = copy_of("depot", tmp_path)
    writing = dedent(READING).replace(
        'statuses.create(code=f"at {depot.code}")', "depot.save(using='default')"
    )
    (project / "legacy" / "migrations" / "0005_write.py").write_text(writing)
    (project / "legacy" / "tests" / "test_read.py").write_text(dedent(READING_TESTS))

    done = run(project, "legacy.tests.test_read", env=depot_env)

    assert done.code == 2
    assert "read-only transaction" in done.output


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_migration_that_reads_elsewhere_unannounced_is_told_how_to(
    depot_env: dict[str, str], tmp_path: Path
) -> None:
    project = copy_of("depot", tmp_path)
    settings = project / "depot" / "settings.py"
    removed = '            "DEPENDENCIES": ["default"],\n'
    assert removed in settings.read_text()
    settings.write_text(settings.read_text().replace(removed, ""))
    (project / "legacy" / "migrations" / "0005_read.py").write_text(dedent(READING))
    (project / "legacy" / "tests" / "test_read.py").write_text(dedent(READING_TESTS))

    done = run(project, "legacy.tests.test_read", env=depot_env)

    assert done.code == 2
    assert "uses the database 'default', which is on another server" in done.output
    assert "add 'default' to TEST['DEPENDENCIES'] of 'legacy'" in done.output
