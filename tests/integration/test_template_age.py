"""A template that has what a clock or random numbers gave serves as long as the user wants."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
from harness.projects import Finished, copy_of, environment, run

MIGRATION = """
    from django.db import migrations, models
    from django.utils import timezone

    def seed(apps, schema_editor):
        kind = apps.get_model("library", "Author")
        kind.objects.create(name=timezone.now().isoformat())

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [migrations.RunPython(seed)]
"""

COLUMNS = """
    from django.db import migrations, models
    from django.utils import timezone

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.AddField("{model}", "made", models.DateTimeField(default=timezone.now)),
            migrations.AddField("{model}", "changed", models.DateTimeField(auto_now=True)),
        ]
"""

SQL = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.RunSQL("INSERT INTO library_author (name) VALUES (CURRENT_TIMESTAMP)")
        ]
"""

DEFAULT = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.RunSQL([
                "CREATE TABLE seen (id int, at timestamp DEFAULT CURRENT_TIMESTAMP)",
                "INSERT INTO seen (id) VALUES (1)",
            ])
        ]
"""

PASSING = "library.test_outcomes.Writing"
FAILING = "library.test_outcomes.Outcomes.test_failure_with_a_message"


def project_with(migration: str, folder: Path) -> Path:
    """A project whose last migration this is."""
    project = copy_of("outcomes", folder)
    (project / "library" / "migrations" / "0004_last.py").write_text(dedent(migration))
    return project


def explained(project: Path, env: dict[str, str], *options: str) -> str:
    """Whether the template serves, and if not, why."""
    return run(project, "template", "explain", *options, env=env).output


def built(done: Finished) -> bool:
    """Whether a run has built a template."""
    return "Building the template" in done.output


def test_it_is_built_again_when_it_is_older_than_the_user_wants(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    project = project_with(MIGRATION, tmp_path)
    run(project, "template", "build", env=sqlite_env)

    young = explained(project, sqlite_env)
    old = explained(project, sqlite_env, "--template-max-age", "0.001")
    any_age = explained(project, sqlite_env, "--template-max-age", "0")
    again = run(project, PASSING, "--template-max-age", "0.001", env=sqlite_env)

    assert "hit" in young
    assert "hit" in any_age
    assert "miss: changed: the time (django.utils.timezone.now, " in old
    assert "changed: the time" in again.output
    assert again.code == 0


@pytest.mark.parametrize(
    ("migration", "clock"),
    [(SQL, "current_timestamp in SQL"), (DEFAULT, "current_timestamp, the default of seen.at")],
    ids=["a statement", "a default"],
)
@pytest.mark.parametrize("vendor", ["sqlite", "postgresql", "mysql"])
@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("engine", "mysql_flavour")
def test_clocks_of_servers_count(
    migration: str, clock: str, vendor: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    env = request.getfixturevalue(f"{vendor}_env")
    project = project_with(migration, tmp_path)
    run(project, "template", "build", env=env)

    assert clock in explained(project, env, "--template-max-age", "0.001")


@pytest.mark.parametrize(("model", "expected"), [("book", "hit"), ("author", "changed: the time")])
@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("engine")
def test_a_clock_for_new_columns_counts_where_there_are_rows(
    vendor: str, model: str, expected: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    env = request.getfixturevalue(f"{vendor}_env")
    project = project_with(COLUMNS.replace("{model}", model), tmp_path)
    run(project, "template", "build", env=env)

    assert expected in explained(project, env, "--template-max-age", "0.001")


def test_rebuild_builds_whatever_there_is(tmp_path: Path) -> None:
    project = project_with(MIGRATION, tmp_path)
    sqlite_env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    first = run(project, PASSING, env=sqlite_env)
    second = run(project, PASSING, env=sqlite_env)

    by_run = run(project, PASSING, "--rebuild", env=sqlite_env)
    by_command = run(project, "template", "build", "--rebuild", env=sqlite_env)
    after = run(project, PASSING, env=sqlite_env)
    listed = run(project, "template", "list", env=sqlite_env)

    assert [built(one) for one in (first, second, by_run, after)] == [True, False, True, False]
    assert "(a new template was requested)" in by_run.output
    assert "(a new template was requested)" in by_command.output
    assert len(re.findall(r"/sqlite:(?!layer)", listed.output)) == 1, listed.output


def test_a_failed_test_says_how_old_that_is(sqlite_env: dict[str, str], tmp_path: Path) -> None:
    project = project_with(MIGRATION, tmp_path)

    failed = run(project, FAILING, env=sqlite_env)
    passed = run(project, PASSING, env=sqlite_env)

    line = "contains values that django.utils.timezone.now returned "
    assert failed.code == 1
    assert failed.output.count(line) == 1
    assert "use --rebuild." in failed.output
    assert line not in passed.output


def test_pytest_says_so_as_well(sqlite_env: dict[str, str], tmp_path: Path) -> None:
    project = project_with(MIGRATION, tmp_path)
    (project / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = outcomes.settings\npython_files = test_outcomes.py\n"
    )

    done = run(
        project, "--ctest", "-n", "2", "-k", "test_error_without_words or Writing", env=sqlite_env,
        module="pytest",
    )  # fmt: skip

    assert done.code == 1
    assert "contains values that django.utils.timezone.now returned " in done.output
