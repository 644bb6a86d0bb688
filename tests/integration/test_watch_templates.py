"""Watch mode and templates: a build neither delays other tests nor outlives its purpose."""

from __future__ import annotations

import signal
from pathlib import Path
from textwrap import dedent

import pytest
from harness.projects import wait_for
from harness.watching import Watching, alive, check_folders, descendants, folders_of_runs, one_test

MIGRATION = """
from pathlib import Path
import time
from django.db import migrations, models

def wait(apps, schema_editor):
    with Path({begun!r}).open("a") as file:
        file.write("x")
    while not Path({go!r}).exists():
        time.sleep(0.02)

class Migration(migrations.Migration):
    dependencies = [("library", "0003_book")]
    operations = [migrations.RunPython(wait)]
"""
"""A migration that waits for a file."""

NAME = "library/migrations/0004_wait.py"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder for each test, without the recording of a project of the same name."""
    return tmp_path / "cache"


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The file that exists when the migration has begun."""
    return tmp_path / "begun"


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """The file for which the migration waits."""
    return tmp_path / "go"


@pytest.fixture
def waiting(begun: Path, go: Path) -> str:
    """A migration that waits for the file."""
    return MIGRATION.format(begun=str(begun), go=str(go))


@pytest.mark.parametrize("env", ["sqlite_env", "postgresql_env"])
def test_a_new_migration_is_in_the_databases_of_the_next_round(
    small: Path, env: str, project_name: str, request: pytest.FixtureRequest
) -> None:
    models = (small / "library" / "models.py").read_text()
    migration = """
        from django.db import migrations, models

        class Migration(migrations.Migration):
            dependencies = [("library", "0003_book")]
            operations = [
                migrations.AddField("author", "born", models.IntegerField(default=1900)),
            ]
    """
    # Without a recording, which would say that the migration changes nothing.
    arguments = ("--project", project_name, "--no-record")
    with Watching(small, *arguments, env=request.getfixturevalue(env)) as watching:
        watching.see("2 tests passed")
        field = "unique=True)\n    born = models.IntegerField(default=1900)\n"
        watching.save("library/models.py", models.replace("unique=True)\n", field, 1))
        watching.see("2 failed")

        watching.save("library/migrations/0004_born.py", dedent(migration))
        watching.see("2 tests passed")

        watching.save(
            "library/test_it.py",
            one_test("self.assertEqual(Author.objects.create(name='a').born, 1900)"),
        )
        watching.see("1 test passed")


@pytest.mark.parametrize("env", ["sqlite_env", "postgresql_env"])
def test_tests_that_need_no_database_run_while_a_template_is_built(
    small: Path,
    env: str,
    begun: Path,
    go: Path,
    waiting: str,
    project_name: str,
    request: pytest.FixtureRequest,
) -> None:
    plain = small / "library" / "test_plain.py"
    plain.write_text(one_test("pass", kind="SimpleTestCase"))
    # Without a recording, which would say that the migration changes nothing.
    arguments = ("--project", project_name, "--no-record")
    with Watching(small, *arguments, env=request.getfixturevalue(env)) as watching:
        watching.see("3 tests passed")
        watching.save(NAME, waiting)
        wait_for(begun.exists, 60, "the migration")

        watching.save("library/test_plain.py", one_test("self.fail('x')", kind="SimpleTestCase"))
        lines = watching.see("1 failed, 1 test run")
        assert "In the background: Building the template" in lines
        watching.save("library/test_plain.py", one_test("pass  # 2", kind="SimpleTestCase"))
        watching.see("1 test passed")

        go.touch()
        watching.see("3 tests passed")

    assert begun.read_text() == "x", "The template was built once."


@pytest.mark.parametrize("env", ["sqlite_env", "postgresql_env"])
def test_tests_that_need_the_database_get_the_template_that_is_being_built(
    small: Path,
    env: str,
    begun: Path,
    go: Path,
    waiting: str,
    project_name: str,
    request: pytest.FixtureRequest,
) -> None:
    # Without a recording, which would say that the migration changes nothing.
    arguments = ("--project", project_name, "--no-record")
    with Watching(small, *arguments, env=request.getfixturevalue(env)) as watching:
        watching.see("2 tests passed")
        watching.save(NAME, waiting)
        wait_for(begun.exists, 60, "the migration")

        watching.save("library/test_it.py", one_test("self.fail('x')"))
        watching.see("Running library/test_it.py")
        go.touch()
        watching.see("1 failed, 1 test run")
        watching.see("1 failed, 2 tests run")

    assert begun.read_text() == "x", "The template was built once."


@pytest.mark.usefixtures("no_container_is_left")
def test_a_build_that_another_save_makes_out_of_date_is_cancelled(
    small: Path,
    begun: Path,
    waiting: str,
    project_name: str,
    postgresql_env: dict[str, str],
) -> None:
    arguments = ("--project", project_name, "--no-record")
    with Watching(small, *arguments, env=postgresql_env) as watching:
        watching.see("2 tests passed")
        watching.save(NAME, waiting)
        wait_for(begun.exists, 60, "the migration")

        watching.save(
            NAME, waiting.replace("RunPython(wait)", "RunPython(migrations.RunPython.noop)")
        )
        watching.see("2 tests passed")
        lines = watching.output

    assert "In the background" not in lines


@pytest.mark.usefixtures("no_container_is_left")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_a_build_whatever_ends_watch_mode(
    small: Path,
    begun: Path,
    waiting: str,
    project_name: str,
    postgresql_env: dict[str, str],
    number: signal.Signals,
) -> None:
    before = folders_of_runs()
    with Watching(small, "--project", project_name, env=postgresql_env) as watching:
        watching.see("2 tests passed")
        watching.save(NAME, waiting)
        wait_for(begun.exists, 60, "the migration")
        watching.save("library/test_it.py", one_test("pass  # 2"))
        watching.see("Running library/test_it.py")
        started = descendants(watching.process.pid)

        watching.process.send_signal(number)
        watching.process.wait(60)
        wait_for(lambda: not alive(started), 60, "the end of all processes")

    check_folders(before, number)
