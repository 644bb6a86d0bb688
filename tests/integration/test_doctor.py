"""`doctor` says what keeps tests from running, and what to do about it; it changes nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
from harness.engines import error_answer, way_to_the_engine
from harness.projects import Finished, copy_of, environment, run, write_tests
from harness.terminal import COLOURS, run_on_terminal

from ctest_containers.engine import labels

QUICK_SECONDS = 15


def findings(done: Finished) -> list[dict[str, Any]]:
    """What `doctor --json` printed, without what others wrote to the standard error before it."""
    told = json.loads(done.output[done.output.index("{\n") :])
    assert told["version"] == 1
    return list(told["findings"])


def of(found: list[dict[str, Any]], area: str, severity: str) -> list[str]:
    """The sentences of an area that are of a severity."""
    return [one["what"] for one in found if (one["area"], one["severity"]) == (area, severity)]


@pytest.fixture
def dead_owner() -> str:
    """The label of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        return labels.owner(process.pid)


@pytest.fixture
def left_container(
    engine: docker.DockerClient, base: str, dead_owner: str, project: Path
) -> Iterator[str]:
    """The name of a container of a run of this project that died."""
    made = engine.containers.create(
        base, labels={labels.OWNER: dead_owner, labels.PROJECT: project.name}
    )
    yield str(made.name)
    made.remove(force=True, v=True)


def test_on_sqlite_no_engine_is_needed(project: Path, sqlite_env: Mapping[str, str]) -> None:
    done = run(project, "doctor", env=sqlite_env)

    assert done.code == 0
    assert "The tests' databases need no engine." in done.output
    assert done.output.endswith("Tests can run.\n")
    assert max(map(len, done.output.splitlines())) <= 80


def test_an_address_where_no_engine_is_keeps_tests_from_running(
    project: Path, postgresql_env: Mapping[str, str]
) -> None:
    env = {**postgresql_env, "DOCKER_HOST": "unix:///nowhere/docker.sock"}

    done = run(project, "doctor", "--json", env=env)

    assert done.code == 1
    (error,) = [one for one in findings(done) if one["severity"] == "error"]
    assert "no engine socket at unix:///nowhere/docker.sock (DOCKER_HOST)" in error["what"]
    assert "`unset DOCKER_HOST`" in error["fix"]


def test_an_engine_that_hangs_is_waited_for_a_few_seconds_only(
    project: Path, postgresql_env: Mapping[str, str], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        began = time.monotonic()

        done = run(project, "doctor", env={**postgresql_env, "DOCKER_HOST": f"unix://{tmp_path}/s"})

    assert time.monotonic() - began < QUICK_SECONDS
    assert done.code == 1
    assert "does not answer" in done.output
    assert "Tests cannot run." in done.output


def test_an_engine_that_answers_a_ping_and_nothing_else_is_not_waited_for_either(
    project: Path, postgresql_env: Mapping[str, str], tmp_path: Path
) -> None:
    over = threading.Event()

    def hang(_: str, path: str) -> bytes | None:
        if path.endswith("/info"):
            over.wait(60)
        return None

    with way_to_the_engine(tmp_path, hang) as address:
        began = time.monotonic()
        done = run(project, "doctor", "--json", env={**postgresql_env, "DOCKER_HOST": address})
        took = time.monotonic() - began
        over.set()

    assert took < QUICK_SECONDS
    assert done.code == 1
    assert "did not answer every request" in of(findings(done), "engine", "error")[0]


def test_an_engine_that_refuses_is_a_finding(
    project: Path, postgresql_env: Mapping[str, str], tmp_path: Path
) -> None:
    def refuse(_: str, path: str) -> bytes | None:
        return error_answer(500, "no such luck") if "/images/json" in path else None

    with way_to_the_engine(tmp_path, refuse) as address:
        done = run(project, "doctor", "--json", env={**postgresql_env, "DOCKER_HOST": address})

    assert done.code == 0
    assert any("no such luck" in one for one in of(findings(done), "leftovers", "warning"))


def test_what_a_run_will_use_is_told_without_anything_being_started_or_made(
    project: Path,
    project_name: str,
    postgresql_env: Mapping[str, str],
    engine: docker.DockerClient,
    cache: Path,
) -> None:
    env = {**postgresql_env, "CTEST_CONTAINERS_PROJECT": project_name}
    files = sorted(cache.rglob("*"))

    missing = run(project, "doctor", "--json", env=env)

    assert missing.code == 0
    found = findings(missing)
    assert "Docker Engine" in of(found, "engine", "ok")[0]
    assert "Unix sockets" in of(found, "transport", "ok")[0]
    assert any("is missing: there is no earlier" in one for one in of(found, "databases", "note"))
    mine = f"{labels.PROJECT}={project_name}"
    assert engine.containers.list(all=True, filters={"label": mine}) == []
    assert engine.images.list(f"localhost/ctest/{project_name}/*") == []
    assert sorted(cache.rglob("*")) == files

    assert run(project, "template", "build", env=env).code == 0
    there = run(project, "doctor", "--json", env=env)

    assert any(
        "for 'default' exists, built" in one for one in of(findings(there), "databases", "ok")
    )


def test_what_dead_runs_left_is_told_and_stays(
    project: Path,
    postgresql_env: Mapping[str, str],
    engine: docker.DockerClient,
    left_container: str,
    dead_owner: str,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "ctest-0badcafe"
    folder.mkdir()
    (folder / "owner").write_text(dead_owner)

    done = run(project, "doctor", "--json", env={**postgresql_env, "TMPDIR": str(tmp_path)})

    assert done.code == 0
    left = [one for one in findings(done) if one["area"] == "leftovers"]
    told = {one["what"]: one["fix"] for one in left if one["severity"] == "warning"}
    of_containers = f"1 container of crashed runs of {project.name}: {left_container}."
    assert told[of_containers] == "Run `python -m ctest_containers clean`."
    assert any(str(folder) in what for what in told)
    assert folder.is_dir()
    assert engine.containers.get(left_container).name == left_container


def test_a_project_that_cannot_be_loaded_is_a_finding_with_its_place(
    project: Path, sqlite_env: Mapping[str, str]
) -> None:
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + "\nprint('loud')\nraise ValueError('no luck')\n")

    done = run(project, "doctor", "--json", env=sqlite_env)

    assert done.code == 1
    (error,) = of(findings(done), "project", "error")
    line = len(settings.read_text().splitlines())
    assert error.endswith(f"ValueError: no luck (outcomes/settings.py, line {line})")
    assert of(findings(done), "machine", "ok")


def test_a_driver_that_is_not_installed_is_named_with_the_command_that_gets_it(
    project: Path, sqlite_env: Mapping[str, str], tmp_path: Path
) -> None:
    # What cannot be imported is not installed, as far as Django is concerned.
    (tmp_path / "MySQLdb.py").write_text("raise ImportError('gone')")
    env = {**sqlite_env, "OUTCOMES_DB": "mysql", "PYTHONPATH": str(tmp_path)}

    done = run(project, "doctor", "--json", env=env)

    assert done.code == 1
    fixes = {one["fix"] for one in findings(done) if one["area"] == "databases"}
    assert "`pip install mysqlclient`" in fixes


def test_tests_that_cannot_be_imported_are_a_finding(
    project: Path, sqlite_env: Mapping[str, str]
) -> None:
    write_tests(project, "import no_such_module\n")

    done = run(project, "doctor", "--json", env=sqlite_env)

    assert done.code == 0
    (told,) = of(findings(done), "project", "warning")
    assert "library.test_it" in told
    assert "No module named 'no_such_module'" in told


def test_a_test_module_that_asks_a_database_gets_none_here(
    project: Path, sqlite_env: Mapping[str, str]
) -> None:
    write_tests(project, "COUNT = Author.objects.count()\n")

    done = run(project, "doctor", "--json", env=sqlite_env)

    assert done.code == 0
    assert of(findings(done), "project", "warning") == []
    assert any(
        "A database is queried when " in one for one in of(findings(done), "project", "note")
    )


def test_the_same_port_in_two_classes_is_found_among_the_tests(
    project: Path, sqlite_env: Mapping[str, str]
) -> None:
    write_tests(
        project,
        """
        from django.test import LiveServerTestCase

        class One(LiveServerTestCase):
            port = 8081

            def test_it(self):
                pass

        class Two(One):
            pass

        class Free(LiveServerTestCase):
            def test_it(self):
                pass
        """.replace("\n        ", "\n"),
    )

    done = run(project, "doctor", "--json", env=sqlite_env)

    (told,) = [one for one in of(findings(done), "isolation", "warning") if "8081" in one]
    assert "library.test_it.One, library.test_it.Two" in told


def test_a_server_that_is_too_old_for_django_is_told_before_it_is_pulled(
    project: Path, postgresql_env: Mapping[str, str]
) -> None:
    done = run(
        project, "doctor", "--json", "--postgresql-image", "postgres:9.6", env=postgresql_env
    )

    assert done.code == 1
    assert "postgres:9.6 is 9.6" in of(findings(done), "databases", "error")[0]
    assert "the next run pulls it" in of(findings(done), "databases", "note")[0]


def test_an_option_that_is_not_known_is_refused_as_by_run(
    project: Path, sqlite_env: Mapping[str, str]
) -> None:
    done = run(project, "doctor", "--parralel", "2", env=sqlite_env)

    assert done.code == 2
    assert "unknown option --parralel.\nDid you mean --parallel?" in done.output


def test_it_is_coloured_on_a_terminal_unless_no_colour_is_wanted(
    tmp_path: Path, sqlite_env: Mapping[str, str]
) -> None:
    project = copy_of("outcomes", tmp_path)
    env = {name: value for name, value in sqlite_env.items() if name != "NO_COLOR"}

    coloured = run_on_terminal(project, "doctor", env=env, columns=80)
    plain = run_on_terminal(project, "doctor", env={**env, "NO_COLOR": "1"}, columns=80)

    assert COLOURS.search(coloured.output)
    assert "\x1b[" not in plain.output
    assert "Tests can run." in plain.output


def test_without_a_project_the_rest_is_looked_at(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", env=environment(tmp_path / "cache"))

    assert done.code == 1
    assert "No Django settings found" in done.output
    assert "Machine\n" in done.output
