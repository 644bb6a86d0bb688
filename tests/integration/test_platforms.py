"""Engines that are not this Linux machine's own: how servers on them are reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from harness.projects import run, write_tests
from harness.remote_engine import THERE, remote_engine

PROBE = """
    class Probe(TestCase):
        def test_it(self):
            self.assertEqual(Author.objects.count(), 1)
            settings = connection.settings_dict
            Path("found").write_text(f"{settings['HOST']} {settings['PORT']}")
            self.assertEqual(len(settings["PASSWORD"]), 32)
"""


@pytest.fixture(scope="module")
def remote(base: str) -> Iterator[str]:
    """The address of an engine on another machine, which has the toolkit's own PostgreSQL."""
    with TemporaryDirectory(prefix="e-", dir="/tmp") as name:
        with remote_engine(Path(name), base) as engine:
            yield engine.host


def test_servers_of_an_engine_elsewhere_are_reached_by_its_address(
    remote: str, project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(project, PROBE)

    done = run(project, env={**postgresql_env, "DOCKER_HOST": remote})

    assert done.code == 0, done.output
    host, port = (project / "found").read_text().split()
    assert (host, int(port) > 1024) == (THERE, True)


@pytest.mark.parametrize("transport", ["socket", "network"])
def test_an_engine_elsewhere_refuses_a_way_that_only_one_machine_has(
    transport: str, remote: str, project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(project, PROBE)

    done = run(project, f"--transport={transport}", env={**postgresql_env, "DOCKER_HOST": remote})

    assert done.code == 2
    assert f"cannot be reached with --transport {transport}" in done.output
