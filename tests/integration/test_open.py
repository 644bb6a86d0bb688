"""`failures` and `open` on SQLite: found, shown, opened in every way, and never changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from harness.made_failures import keep, kept_failure, sqlite_databases
from harness.projects import start, wait_for, write_tests
from harness.services import command
from harness.terminal import CTRL_D, at_terminal

from ctest_containers.failures.portable import export
from ctest_containers.failures.store import FailureStore, Stored

NAMES = "from library.models import Author; print([author.name for author in Author.objects.all()])"

ASK = """
import os, sqlite3, sys, time
from pathlib import Path
file = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
print(file)
with sqlite3.connect(file) as connection:
    for statement in sys.argv[1].split(";"):
        for row in connection.execute(statement):
            print(*row)
if sys.argv[2:]:
    started, go_on = map(Path, sys.argv[2:])
    started.touch()
    while not go_on.exists():
        time.sleep(0.05)
    print(connection.execute("SELECT count(*) FROM library_author").fetchone()[0])
sys.exit(3)
"""
"""Runs statements on the database that is named in the environment."""

TOTAL, SUM = "library.test_it.CartTests.test_total", "library.test_it.OrderTests.test_sum"


@pytest.fixture
def store(cache: Path) -> FailureStore:
    """The failures of the project, none at first."""
    store = FailureStore.of("outcomes", cache / "ctest_containers")
    for stored in store.all():
        store.remove(stored)
    return store


@pytest.fixture
def kept(store: FailureStore) -> Stored:
    """A failure with one author, Ann."""
    return keep(store, kept_failure(kept_at=time.time() - 60))


def authors(file: Path) -> list[str]:
    """The authors in an SQLite database."""
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM library_author")]


def test_failures_are_listed_the_latest_first(
    project: Path, sqlite_env: dict[str, str], store: FailureStore
) -> None:
    keep(store, kept_failure("aaaa-1", TOTAL, kept_at=time.time() - 7200))
    keep(store, kept_failure("bbbb-1", SUM, kept_at=time.time() - 7500))

    listed = command(project, "failures", env=sqlite_env)
    as_json = command(project, "failures", "--json", env=sqlite_env)

    header, first, second, total = listed.out.splitlines()
    assert header.split() == ["run", "test", "error", "age", "size"]
    assert first.startswith(f"aaaa  {TOTAL}")
    assert "AssertionError: 1 != 2  2 h" in first
    assert second.startswith(f"bbbb  {SUM}")
    assert total.startswith("2 failures, ")
    assert [entry["test"] for entry in json.loads(as_json.out)] == [TOTAL, SUM]


def test_failures_are_removed_by_test_by_age_or_all(
    project: Path, sqlite_env: dict[str, str], store: FailureStore
) -> None:
    keep(store, kept_failure("aaaa-1", TOTAL, kept_at=time.time()))
    keep(store, kept_failure("bbbb-1", SUM, kept_at=time.time() - 5 * 24 * 3600))
    keep(store, kept_failure("cccc-1", SUM, kept_at=time.time()))

    dry = command(project, "failures", "--prune", "--days", "3", "--dry-run", env=sqlite_env)
    pruned = command(project, "failures", "--prune", "--days", "3", env=sqlite_env)
    by_test = command(project, "failures", "--remove", "OrderTests", env=sqlite_env)
    left = [stored.failure.name for stored in store.all()]
    everything = command(project, "failures", "--remove-all", env=sqlite_env)

    assert dry.out.splitlines()[0] == f"would remove {SUM} of run bbbb: kept 5 days ago"
    assert pruned.out.splitlines()[1] == "1 failure was removed."
    assert by_test.out.splitlines() == [f"removed {SUM} of run cccc", "1 failure was removed."]
    assert left == ["aaaa-1"]
    assert everything.out.splitlines()[-1] == "1 failure was removed."
    assert command(project, "failures", env=sqlite_env).out == "No failure is kept.\n"


def test_clean_removes_kept_failures(
    project: Path, sqlite_env: dict[str, str], store: FailureStore, kept: Stored
) -> None:
    done = command(project, "clean", env=sqlite_env)

    assert f"removed failure ab12cd34-1 of {TOTAL}" in done.out
    assert store.all() == []
    assert not kept.folder.exists()


@pytest.mark.usefixtures("kept")
def test_without_a_terminal_the_failure_is_shown_with_what_can_be_done(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    done = command(project, "open", env=sqlite_env)

    assert (done.code, done.said) == (0, "")
    lines = done.out.splitlines()
    assert lines[:2] == [TOTAL, "failed 1 min 0 s ago in run ab12cd34"]
    assert "AssertionError: 1 != 2" in lines
    at = lines.index("library/test_it.py:12")
    assert lines[at + 1 : at + 4] == [
        "  10      def test_total(self):",
        "  11          cart = Cart()",
        "> 12          self.assertEqual(cart.total(), 2)",
    ]
    assert f"Open it with: python -m ctest_containers open {TOTAL}" in lines


def test_a_command_gets_a_copy_which_is_gone_afterwards(
    project: Path, sqlite_env: dict[str, str], kept: Stored
) -> None:
    statements = "SELECT name FROM library_author; DELETE FROM library_author"

    done = command(
        project,
        *("open", "CartTests", "--", sys.executable, "-c", ASK, statements),
        env=sqlite_env,
    )

    file, author = done.out.splitlines()
    assert (done.code, author) == (3, "Ann"), done.said
    assert not Path(file).exists()
    assert authors(kept.folder / "default.sqlite3") == ["Ann"]
    assert "AssertionError: 1 != 2" in done.said


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "arguments", [("--shell",), ("--", sys.executable, "manage.py", "shell")], ids=str
)
def test_django_uses_the_databases_whatever_the_settings_read(
    arguments: tuple[str, ...], project: Path, sqlite_env: dict[str, str]
) -> None:
    done = command(project, "open", *arguments, env=sqlite_env, given=NAMES)

    assert done.code == 0, done.said
    assert done.out.splitlines()[-1] == "['Ann']"


@pytest.mark.usefixtures("kept")
def test_a_test_runner_that_keeps_databases_runs_on_them(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    (project / "library" / "test_kept.py").write_text(
        "from django.db import connection\n"
        "from django.test import SimpleTestCase\n"
        "class KeptTests(SimpleTestCase):\n"
        "    databases = {'default'}\n"
        "    def test_rows(self):\n"
        "        with connection.cursor() as cursor:\n"
        "            cursor.execute('SELECT name FROM library_author')\n"
        "            self.assertEqual(cursor.fetchall(), [('Ann',)])\n"
    )
    testing = [sys.executable, "-m", "pytest", "-p", "pytest_django", "-q", "--reuse-db"]

    done = command(
        project,
        *("open", "--", *testing, "--no-migrations", "library/test_kept.py"),
        env=sqlite_env,
    )

    assert done.code == 0, done.out + done.said


def test_two_opens_do_not_interfere(
    project: Path, sqlite_env: dict[str, str], kept: Stored, tmp_path: Path
) -> None:
    started, go_on = tmp_path / "started", tmp_path / "go-on"
    asking = ("open", "--", sys.executable, "-c", ASK)
    first = start(
        project,
        *(*asking, "DELETE FROM library_author", str(started), str(go_on)),
        env=sqlite_env,
    )
    wait_for(started.exists, 30, "the first")

    second = command(project, *asking, "SELECT name FROM library_author", env=sqlite_env)
    go_on.touch()
    output, _ = first.communicate(timeout=30)

    assert second.out.splitlines()[1:] == ["Ann"]
    assert output.splitlines()[-1] == "0"
    assert authors(kept.folder / "default.sqlite3") == ["Ann"]


def test_each_alias_has_its_database(
    project: Path, sqlite_env: dict[str, str], store: FailureStore
) -> None:
    keep(store, kept_failure(databases=(sqlite_databases("default", "other"),)))

    done = command(project, "open", "--", "env", env=sqlite_env)

    named = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    assert named["DATABASE_URL"] != named["OTHER_DATABASE_URL"]


@pytest.mark.usefixtures("kept")
def test_the_shell_of_the_database_is_opened_at_a_terminal(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    with at_terminal(project, "open", "test_total", env=sqlite_env) as program:
        program.see("sqlite>")
        program.type("SELECT 'name is ' || name FROM library_author;")
        program.see("name is Ann")
        program.see("sqlite>")
        done = program.finish(30, insisting=CTRL_D)

    assert done.code == 0, done.output
    assert "\x1b[1;31m> 12          self.assertEqual(cart.total(), 2)" in done.output


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_addresses_last_until_a_signal(
    number: signal.Signals, code: int, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    del tmp_path
    process = start(project, "open", "--port", env=sqlite_env)
    assert process.stdout is not None
    shown = ""
    while "Press Ctrl-C" not in shown:
        shown += process.stdout.readline()
    file = Path(next(line for line in shown.splitlines() if "sqlite:///" in line).split("://")[1])
    assert authors(Path("/", file)) == ["Ann"]

    os.kill(process.pid, number)
    process.communicate(timeout=30)

    assert process.returncode == code
    assert not Path("/", file).exists()


def test_a_difference_needs_the_template_which_is_built_again(
    project: Path, sqlite_env: dict[str, str], cache: Path, store: FailureStore
) -> None:
    write_tests(
        project,
        """
        class CartTests(TestCase):
            def test_total(self):
                Author.objects.create(name="Bob")
                self.fail()
        """,
    )
    assert command(project, "run", "--keep-failed", env=sqlite_env).code == 1
    (kept,) = store.all()[0].failure.databases

    with_template = command(project, "open", "--diff", env=sqlite_env)
    shutil.rmtree(cache / "ctest_containers" / "sqlite" / "outcomes" / kept.fingerprint)
    without = command(project, "open", "--diff", env=sqlite_env)

    table = ["library_author  + 1 row, ~ 0, - 0", "  + id=2 name=Bob"]
    assert with_template.out.splitlines()[:2] == table, with_template.said
    at = without.out.splitlines().index(table[0])
    assert without.out.splitlines()[at : at + 2] == table
    assert (
        "The template of default is not on this machine, so it is pulled or built first."
        in without.said
    )


def test_a_file_is_opened_like_a_test(
    project: Path, sqlite_env: dict[str, str], kept: Stored, store: FailureStore, tmp_path: Path
) -> None:
    file = export(kept, {}, tmp_path)
    store.remove(kept)

    done = command(project, "open", str(file), "--shell", env=sqlite_env, given=NAMES)

    assert done.code == 0, done.said
    assert done.out.splitlines()[-1] == "['Ann']"
    assert file.exists()


def test_a_failure_that_was_removed_is_named_with_its_run(
    project: Path, sqlite_env: dict[str, str], store: FailureStore
) -> None:
    tested = command(project, "run", "library.test_outcomes", env=sqlite_env)
    assert tested.code == 1
    run = command(project, "report", "--list", env=sqlite_env).out.split()[0]
    store.prune(days=0, now=time.time() + 1)

    done = command(project, "open", "test_failure", env=sqlite_env)

    assert done.code == 2
    first, second = done.said.splitlines()
    assert f"which failed in run {run}, are not kept." in first
    assert second.startswith("Repeat the failure: python -m ctest_containers run library.")
    assert second.endswith(" --keep-failed")


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere",), 2, "No failure of 'nowhere' is kept."),
        (("gone.ctest-failure",), 2, "The file gone.ctest-failure does not exist."),
        (("--",), 2, "open needs a command after --."),
        (("--shell", "--", "true"), 2, "--shell cannot be used with a command after --."),
        (("--port", "0x1"), 2, "'0x1' must be a port from 1 to 65535"),
        (("--database", "other"), 2, "The failure has no database 'other'."),
        (("--", "no-such-command"), 127, "The command 'no-such-command' was not found."),
        (("manage.py",), 2, "manage.py cannot be opened as a failed test"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_what_to_do(
    arguments: tuple[str, ...],
    code: int,
    words: str,
    project: Path,
    sqlite_env: dict[str, str],
) -> None:
    done = command(project, "open", *arguments, env=sqlite_env)

    assert (done.code, done.out) == (code, "")
    assert words in done.said
    assert 'Traceback (most recent call last):\n  File "/tmp' not in done.said
