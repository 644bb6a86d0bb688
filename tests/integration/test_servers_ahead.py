"""A command that was run before has its servers while the project is being loaded."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from harness.containers import owned
from harness.projects import copy_of, run, start, wait_for

from ctest_containers.engine.labels import RUN

COMMAND = ("run", "library.test_it", "--parallel", "2")

TESTS = """
from django.test import TestCase
from library.models import Author

class OneTests(TestCase):
    def test_one(self):
        Author.objects.create(name="one")

class TwoTests(TestCase):
    def test_two(self):
        Author.objects.create(name="two")
"""

SLOW = """
import os, pathlib, time
if os.environ.get("SLOW_SETTINGS"):
    pathlib.Path(os.environ["SLOW_SETTINGS"]).touch()
    while pathlib.Path(os.environ["SLOW_SETTINGS"]).exists():
        time.sleep(0.02)
"""


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Path]:
    """A file that is there while settings are loaded, and until somebody removes it."""
    file = tmp_path / "slow"
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two classes of tests, whose settings can be slow."""
    project = copy_of("outcomes", tmp_path)
    (project / "library" / "test_it.py").write_text(TESTS)
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + SLOW)
    return project


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder for each test."""
    return tmp_path / "cache"


@pytest.fixture
def env(postgresql_env: dict[str, str]) -> dict[str, str]:
    return postgresql_env


def _while_settings_are_loaded(
    project: Path,
    env: dict[str, str],
    engine: docker.DockerClient,
    slow: Path,
    command: tuple[str, ...] = COMMAND,
) -> subprocess.Popen[str]:
    """A command that has two servers, and loads its settings until `slow` is removed."""
    before = owned(engine)

    def has_two_servers() -> bool:
        return slow.exists() and len(owned(engine) - before) == 2

    process = start(project, *command, env={**env, "SLOW_SETTINGS": str(slow)})
    wait_for(has_two_servers, 60, "the start of two servers")
    return process


@pytest.mark.usefixtures("no_container_is_left")
def test_servers_come_up_before_the_settings_are_loaded_and_are_the_ones_that_workers_get(
    project: Path, env: dict[str, str], engine: docker.DockerClient, slow: Path
) -> None:
    first = run(project, *COMMAND, env=env)
    before = owned(engine)
    process = _while_settings_are_loaded(project, env, engine, slow)
    ahead = owned(engine) - before

    slow.unlink()
    seen = set(ahead)
    while process.poll() is None:
        seen |= owned(engine) - before
    output, _ = process.communicate(timeout=120)

    assert (first.code, process.returncode) == (0, 0), output
    assert "Running in 2 workers" in output
    assert seen == ahead


@pytest.mark.usefixtures("no_container_is_left")
def test_the_first_trials_of_a_hunt_get_the_servers_that_the_run_before_it_needed(
    project: Path, env: dict[str, str], engine: docker.DockerClient, slow: Path
) -> None:
    first = run(project, *COMMAND, env=env)
    before = owned(engine)
    hunt = ("hunt", "TwoTests", "--after", "library.test_it.OneTests.test_one")
    process = _while_settings_are_loaded(project, env, engine, slow, hunt)
    container_id = next(iter(owned(engine) - before))
    run_id = engine.containers.get(container_id).labels[RUN]

    def names() -> set[str]:
        of_hunt = engine.containers.list(
            all=True, sparse=True, filters={"label": f"{RUN}={run_id}"}
        )
        return {container.attrs["Names"][0] for container in of_hunt}

    ahead = names()
    slow.unlink()
    seen = set(ahead)
    while process.poll() is None:
        seen |= names()
    output, _ = process.communicate(timeout=120)

    assert (first.code, process.returncode) == (0, 0), output
    assert "test_two passed after" in output
    # The replay uses one of them; what it left is observed on another server, beside a third.
    assert (len(ahead), len(seen - ahead)) == (2, 2)


@pytest.mark.usefixtures("no_container_is_left")
def test_servers_of_a_schema_that_is_not_todays_are_given_up_and_no_test_sees_them(
    project: Path, env: dict[str, str], project_name: str
) -> None:
    env = {**env, "CTEST_CONTAINERS_PROJECT": project_name}
    run(project, *COMMAND, env=env)
    (project / "library" / "migrations" / "0099_more.py").write_text(
        "from django.db import migrations, models\n"
        "class Migration(migrations.Migration):\n"
        '    dependencies = [("library", "0003_book")]\n'
        '    operations = [migrations.AddField("author", "more", models.TextField(default="x"))]\n'
    )
    models = project / "library" / "models.py"
    field = '    more = models.TextField(default="x")\n'
    head = "class Author(models.Model):\n"
    assert head in models.read_text()
    models.write_text(models.read_text().replace(head, head + field))

    done = run(project, *COMMAND, env=env)

    assert done.code == 0, done.output
    assert "incrementally" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_that_cannot_be_loaded_any_more_leaves_no_server(
    project: Path, env: dict[str, str]
) -> None:
    run(project, *COMMAND, env=env)
    (project / "outcomes" / "settings.py").write_text("1 / 0\n")

    done = run(project, *COMMAND, env=env)

    assert done.code == 2
    assert "ZeroDivisionError" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_run_that_turns_out_to_need_no_server_leaves_none(
    project: Path, env: dict[str, str]
) -> None:
    run(project, *COMMAND, env=env)
    plain = TESTS.replace("import TestCase", "import SimpleTestCase as TestCase")
    plain = plain.replace("Author.objects.create", "str").replace("name=", "")
    (project / "library" / "test_it.py").write_text(plain)

    done = run(project, *COMMAND, env=env)

    assert done.code == 0, done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_run_that_turns_out_to_be_on_sqlite_is_not_disturbed(
    project: Path, env: dict[str, str]
) -> None:
    run(project, *COMMAND, env=env)

    done = run(project, *COMMAND, env={**env, "OUTCOMES_DB": "sqlite"})

    assert done.code == 0, done.output
    assert "Ran 2 tests" in done.output


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_while_settings_are_loaded_leaves_no_server(
    sent: signal.Signals,
    project: Path,
    env: dict[str, str],
    engine: docker.DockerClient,
    slow: Path,
) -> None:
    run(project, *COMMAND, env=env)
    before = owned(engine)
    process = _while_settings_are_loaded(project, env, engine, slow)

    os.kill(process.pid, sent)
    process.communicate(timeout=60)

    def all_is_gone() -> bool:
        return owned(engine) <= before and not [*Path(tempfile.gettempdir()).glob("ctest-*")]

    wait_for(all_is_gone, 30, "the removal of the servers and of the run's folder")


@pytest.mark.usefixtures("no_container_is_left")
def test_servers_that_are_up_before_anybody_asks_for_them_are_not_waited_for(
    project: Path, env: dict[str, str], cache: Path
) -> None:
    """The parent has a database of its own first, and hears of all servers meanwhile."""
    early = "\nAuthor.objects.count()\n__import__('time').sleep(2)\nAuthor.objects.count()\n"
    (project / "library" / "test_it.py").write_text(TESTS + early)
    first = run(project, *COMMAND, env=env)
    shutil.rmtree(cache / "ctest_containers" / "forecast")

    done = run(project, *COMMAND, env=env, seconds=60)

    assert (first.code, done.code) == (0, 0), done.output
