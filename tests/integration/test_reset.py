"""After a TransactionTestCase, databases are brought to where Django's flush brings them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import docker
import pytest
from harness.projects import TESTS, run, write_tests
from harness.servers import plain_server

EXAMPLES = {"sqlite": 40, "postgresql": 15, "mariadb": 10, "mysql": 8}

FOUR_TIMES = """
    class Flushed(TransactionTestCase):
        made = []

        def leave_something(self):
            self.made.append(Author.objects.create(name="Left behind").pk)
            self.assertEqual(Author.objects.count(), {found})

        def test_1(self):
            Author.objects.create(name="Left behind")

        def test_2(self):
            self.leave_something()

        def test_3(self):
            self.leave_something()

        def test_4(self):
            self.leave_something()
            self.assertEqual([one - self.made[0] for one in self.made], {numbers})
"""
"""The first finds what a migration has made; the others find what a flush leaves."""

Env = dict[str, str]


@pytest.mark.parametrize("flavour", ["sqlite", "postgresql", "mariadb", "mysql"])
def test_flushes_of_generated_models_end_as_with_django(
    flavour: str, engine: docker.DockerClient
) -> None:
    if flavour == "sqlite":
        flushed = _generated("sqlite3", EXAMPLES[flavour])
    else:
        backend = "postgresql" if flavour == "postgresql" else "mysql"
        with plain_server(engine, flavour, ["shop"]) as host:
            flushed = _generated(backend, EXAMPLES[flavour], host)

    assert flushed["flushes"] >= EXAMPLES[flavour]
    assert flushed["left"] == {}


def _generated(backend: str, examples: int, *host: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "harness.generated_models", backend, str(examples), *host]
    done = subprocess.run(
        command, cwd=TESTS, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_a_test_leaves_behind_is_gone_and_sequences_go_on(
    project: Path, vendor_env: Env
) -> None:
    write_tests(project, FOUR_TIMES.format(found=1, numbers=[0, 1, 2]))

    for how in ("fast", "django"):
        done = run(project, "--reset", how, "--parallel", "1", env=vendor_env)

        assert done.code == 0, done.output
        assert "Ran 4 tests" in done.output


Change = Callable[[Path], None]


def _receiver(project: Path) -> None:
    file = project / "library" / "models.py"
    file.write_text(
        file.read_text()
        + "\n\nfrom django.db.models.signals import post_migrate\n"
        + "def make_one(using, **_):\n    Author.objects.using(using).get_or_create(name='Made')\n"
        + "post_migrate.connect(make_one, sender=None)\n"
    )


def _flush_command(project: Path) -> None:
    folder = project / "library" / "management" / "commands"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder):
        (package / "__init__.py").touch()
    (folder / "flush.py").write_text(
        "from django.core.management.commands.flush import Command as Own\n"
        "class Command(Own):\n    pass\n"
    )


CREATE = "with connection.cursor() as cursor: cursor.execute({statement!r})"

BEFOREHAND = {
    "the table library_author has a trigger that a deletion would fire": (
        "CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'; CREATE OR REPLACE TRIGGER watching BEFORE TRUNCATE"
        " ON library_author EXECUTE FUNCTION nothing()"
    ),
    "the table outsider refers to tables that are flushed": (
        "CREATE TABLE IF NOT EXISTS outsider (author bigint REFERENCES library_author)"
    ),
    "the table library_book has parts or rules": (
        "CREATE OR REPLACE RULE kept AS ON DELETE TO library_book DO ALSO NOTIFY watched"
    ),
    "the table library_author has 8 MiB": (
        "INSERT INTO library_author (name)"
        " SELECT n || repeat('x', 40) FROM generate_series(1, 110000) n"
    ),
}
"""What a test leaves behind, by the reason for which Django's own flush has to deal with it."""


@pytest.mark.parametrize("reason", BEFOREHAND)
def test_on_any_doubt_the_flush_is_django_s_and_the_reason_is_told(
    reason: str, project: Path, postgresql_env: Env
) -> None:
    statement = CREATE.format(statement=BEFOREHAND[reason])
    write_tests(
        project,
        f"""
        class Doubtful(TransactionTestCase):
            def tearDown(self):
                {statement}

            def test_1(self):
                Author.objects.create(name="Left behind")
        """,
    )

    done = run(project, "-v", "2", "--parallel", "1", env=postgresql_env)

    assert f"'default' is reset by Django's flush, at least in part: {reason}." in done.output, (
        done.output
    )


@pytest.mark.parametrize(
    ("change", "found", "reason"),
    [
        (_receiver, 2, "post_migrate calls library.models.make_one"),
        (_flush_command, 1, "the project has its own flush command"),
    ],
)
def test_what_a_project_does_of_its_own_after_a_flush_is_still_done(
    change: Change, found: int, reason: str, project: Path, postgresql_env: Env
) -> None:
    write_tests(project, FOUR_TIMES.format(found=found, numbers=[0, found, 2 * found]))
    change(project)

    for how in ("fast", "compare"):
        done = run(project, "-v", "2", "--parallel", "1", "--reset", how, env=postgresql_env)

        assert done.code == 0, done.output
        assert f"'default' is reset by Django's flush, at least in part: {reason}." in done.output


LATE = """
    class Late(TransactionTestCase):
        def test_1(self):
            Author.objects.create(name="Here")
            other = connection.copy()
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute("INSERT INTO library_author (name) VALUES ('On its way')")

            def commit():
                time.sleep(0.5)
                other.connection.commit()
                other.connection.close()

            threading.Thread(target=commit).start()

        def test_2(self):
            self.assertEqual(list(Author.objects.all()), [])
"""
"""A row that another session has inserted, and commits when the test has ended."""


@pytest.mark.parametrize("vendor_env", ["postgresql", "mariadb", "mysql"], indirect=True)
def test_what_another_session_commits_after_a_test_is_gone_as_well(
    project: Path, vendor_env: Env
) -> None:
    write_tests(project, LATE)

    done = run(project, "--parallel", "1", env=vendor_env)

    assert done.code == 0, done.output


SITES = """
    from django.db import models

    class Plot(models.Model):
        name = models.CharField(max_length=10)
"""


def test_an_app_that_is_called_as_one_of_django_s_is_not_taken_for_it(
    project: Path, sqlite_env: Env
) -> None:
    write_tests(project, FOUR_TIMES.format(found=1, numbers=[0, 1, 2]))
    (project / "sites").mkdir()
    (project / "sites" / "__init__.py").touch()
    (project / "sites" / "models.py").write_text(dedent(SITES))
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + "\nINSTALLED_APPS.append('sites')\n")

    for how in ("fast", "compare"):
        done = run(project, "--reset", how, "--parallel", "1", env=sqlite_env)

        assert done.code == 0, done.output
