"""`open` on real servers: with the rows that the test saw, on what is left, and gone afterwards."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import psycopg2
import pytest
from harness.containers import remove_images
from harness.kept import failures_in
from harness.projects import copy_of, environment, start, wait_for, write_tests
from harness.services import command
from harness.terminal import CTRL_D, at_terminal
from harness.tiers import further
from harness.watching import folders_of_runs

from ctest_containers.engine import labels
from ctest_containers.failures.portable import export, read
from ctest_containers.failures.store import FACTS, Stored
from ctest_containers.rows import DatabaseDifference, TableDifference, to_json

TESTS = """
    class CartTests(TestCase):
        @classmethod
        def setUpTestData(cls):
            Author.objects.create(name="Ann")

        def test_total(self):
            Author.objects.create(name="Bob")
            self.assertEqual(Author.objects.count(), 99)
"""

NAMES = (
    "from library.models import Author; "
    "print([author.name for author in Author.objects.order_by('id')])"
)

SEEN = "['Ursula K. Le Guin', 'Ann', 'Bob']"


PROJECT = f"opened-{uuid.uuid4().hex[:12]}"
"""A name that no other test gives to a project."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A project whose test has failed, and been kept.

    Attributes:
        prompt: A part of what the client of its server prints when it waits for a statement.
        file: The file that the run has written for other machines.
    """

    project: Path
    env: dict[str, str]
    stored: Stored
    prompt: str
    file: Path


def failed_on(flavour: str, folder: Path) -> Failed:
    """Run a failing test on a vendor's server."""
    vendor = "postgresql" if flavour == "postgresql" else "mysql"
    led = {"OUTCOMES_DB": vendor, "OUTCOMES_DB_PORT": "1", "CTEST_CONTAINERS_PROJECT": PROJECT}
    env = environment(folder / "cache", led)
    if flavour == "mariadb":
        env["CTEST_CONTAINERS_MYSQL_IMAGE"] = "mariadb"
    project = copy_of("outcomes", folder)
    write_tests(project, TESTS)
    done = command(project, "run", "--keep-failed", "--keep-failed-dir", "ci", env=env)
    assert done.code == 1, done.said
    (stored,) = failures_in(folder / "cache").values()
    prompts = {"postgresql": "test_outcomes=", "mysql": "mysql>", "mariadb": "[test_outcomes]>"}
    (file,) = (project / "ci").iterdir()
    return Failed(project, env, stored, prompts[flavour], file)


@pytest.fixture(scope="module")
def fail_on(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Failed]]:
    """Runs a failing test on a kind of server, once."""
    yield functools.cache(lambda flavour: failed_on(flavour, tmp_path_factory.mktemp(flavour)))
    remove_images(engine, PROJECT)


@pytest.fixture(
    params=[
        "postgresql",
        "mariadb",
        pytest.param("mysql", marks=further("MariaDB has the same vendor.")),
    ],
)
def failed(request: pytest.FixtureRequest, fail_on: Callable[[str], Failed]) -> Failed:
    """A failure on each kind of server."""
    return fail_on(request.param)


@pytest.fixture
def on_postgresql(fail_on: Callable[[str], Failed]) -> Failed:
    """A failure on PostgreSQL."""
    return fail_on("postgresql")


def servers_of_failures(engine: docker.DockerClient) -> set[str]:
    """The containers that commands of this module have started."""
    label = f"{labels.PROJECT}={PROJECT}"
    containers = engine.containers.list(all=True, sparse=True, filters={"label": label})
    return {str(one.id) for one in containers}


@pytest.fixture(autouse=True)
def no_server_is_left(engine: docker.DockerClient) -> Iterator[None]:
    """After the test there is no server of a failure."""
    yield

    # The engine may still list what it is removing.
    wait_for(lambda: not servers_of_failures(engine), 10, "the end of the servers")


def test_django_sees_what_the_test_saw(failed: Failed) -> None:
    done = command(failed.project, "open", "--shell", env=failed.env, given=NAMES)

    assert done.code == 0, done.said
    assert done.out.splitlines()[-1] == SEEN


def test_the_servers_own_client_is_opened_at_a_terminal(failed: Failed) -> None:
    with at_terminal(failed.project, "open", env=failed.env, columns=77) as program:
        program.see(failed.prompt)
        program.type("SELECT concat('name is ', name) FROM library_author;")
        program.see("name is Bob")
        program.see(failed.prompt)
        done = program.finish(30, insisting=CTRL_D)

    assert done.code == 0, done.output
    assert "AssertionError: 3 != 99" in done.output
    for name in ("Ursula K. Le Guin", "Ann", "Bob"):
        assert f"name is {name}" in done.output


def test_the_difference_from_the_template_is_shown(failed: Failed) -> None:
    done = command(failed.project, "open", "--diff", env=failed.env)

    assert done.code == 0, done.said
    table, first, second = done.out.splitlines()[:3]
    assert re.fullmatch(r"\S*library_author\s+\+ 2 rows, ~ 0, - 0", table)
    assert first.endswith("name=Ann")
    assert second.endswith("name=Bob")


def test_a_file_from_ci_is_opened_with_the_same_template(failed: Failed, tmp_path: Path) -> None:
    file = export(failed.stored, {}, tmp_path)

    done = command(failed.project, "open", str(file), "--shell", env=failed.env, given=NAMES)

    assert done.out.splitlines()[-1] == SEEN, done.said


def test_an_address_is_published_until_ctrl_c(on_postgresql: Failed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        taken = command(on_postgresql.project, "open", "--port", str(port), env=on_postgresql.env)
    process = start(on_postgresql.project, "open", "--port", str(port), env=on_postgresql.env)
    assert process.stdout is not None
    shown = ""
    while "Press Ctrl-C" not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    url = next(line.split()[1] for line in shown.splitlines() if "postgresql://" in line)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM library_author")
        assert cursor.fetchone() == (3,)
    connection.close()
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)

    assert f"@127.0.0.1:{port}/test_outcomes" in url
    assert process.returncode == 0
    assert taken.code == 2
    assert f"Port {port} cannot be used: Address already in use." in taken.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_outlives_open(
    number: signal.Signals, on_postgresql: Failed, engine: docker.DockerClient
) -> None:
    before = folders_of_runs()
    process = start(on_postgresql.project, "open", "--port", env=on_postgresql.env)
    assert process.stdout is not None
    while "Press Ctrl-C" not in process.stdout.readline():
        assert process.poll() is None
    assert servers_of_failures(engine)

    process.send_signal(number)
    process.communicate(timeout=30)

    wait_for(lambda: not servers_of_failures(engine), 30, "the end of its server")
    wait_for(lambda: folders_of_runs() <= before, 30, "the removal of its folder")


def _without_template(failed: Failed) -> Stored:
    """The failure as if the image of its template had been another one."""
    (kept,) = failed.stored.failure.databases
    # Two builds of the same code may have different fingerprints.
    other = replace(kept, image_id=f"sha256:{'0' * 64}", fingerprint="d" * 64)
    return Stored(replace(failed.stored.failure, databases=(other,)), failed.stored.folder)


def test_a_template_that_was_built_again_gets_the_difference_in_rows(
    on_postgresql: Failed, tmp_path: Path
) -> None:
    stored = _without_template(on_postgresql)
    difference = DatabaseDifference(
        vendor=stored.failure.databases[0].plan.vendor,
        tables=(
            TableDifference(
                name="public.library_author",
                columns=("id", "name"),
                key=("id",),
                before=1,
                after=2,
                added=(("7", "Cleo"),),
            ),
        ),
    )
    rows = json.dumps({"test_outcomes": to_json(difference)})
    with_rows = export(stored, {"postgresql": rows}, tmp_path / "with")
    without = export(stored, {}, tmp_path / "without")
    opening = ("--shell",)

    opened = command(
        on_postgresql.project, "open", str(with_rows), *opening, env=on_postgresql.env, given=NAMES
    )
    refused = command(on_postgresql.project, "open", str(without), *opening, env=on_postgresql.env)

    assert opened.out.splitlines()[-1] == "['Ursula K. Le Guin', 'Cleo']", opened.said
    assert refused.code == 2
    assert "fit only the earlier image" in refused.said
    assert "run library.test_it.CartTests.test_total --keep-failed" in refused.said


def test_a_file_of_a_run_shows_the_same_rows_where_the_template_was_built_again(
    failed: Failed, tmp_path: Path
) -> None:
    (tmp_path / "read").mkdir()
    stored = read(failed.file, tmp_path / "read")
    (kept,) = stored.failure.databases
    rows = (stored.folder / kept.rows).read_text()
    other = _without_template(replace(failed, stored=stored))
    file = export(other, {kept.group: rows}, tmp_path / "other")

    opened = command(failed.project, "open", str(file), "--shell", env=failed.env, given=NAMES)

    assert opened.out.splitlines()[-1] == SEEN, opened.said


def test_code_that_gives_another_template_is_named_with_what_to_do(
    on_postgresql: Failed, tmp_path: Path
) -> None:
    stored = _without_template(on_postgresql)
    (kept,) = stored.failure.databases
    other = replace(kept, fingerprint="e" * 64, key="e" * 64)
    failure = replace(stored.failure, databases=(other,), revision="abcdef0123456789")
    file = export(Stored(failure, stored.folder), {}, tmp_path)

    done = command(on_postgresql.project, "open", str(file), "--shell", env=on_postgresql.env)

    assert done.code == 2
    assert "The template postgresql:eeeeeeeeeeee" in done.said
    assert "Check out revision abcdef012345, or repeat the failure: " in done.said


def test_a_damaged_archive_is_an_error_in_a_sentence(on_postgresql: Failed, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (kept,) = on_postgresql.stored.failure.databases
    (folder / FACTS).write_text(on_postgresql.stored.failure.to_json())
    (folder / kept.file).write_bytes(b"no archive")
    file = export(Stored(on_postgresql.stored.failure, folder), {}, tmp_path)

    done = command(on_postgresql.project, "open", str(file), "--shell", env=on_postgresql.env)

    assert done.code == 2
    assert 'Traceback (most recent call last):\n  File "/' not in done.said.split("Assertion")[-1]


ALL_ALIASES = """
from django.test import TestCase
from archive.models import Year
from ledger.models import Account
from legacy.models import Customer

class AllTests(TestCase):
    databases = {"default", "replica", "archive", "ledger", "legacy"}

    def test_all(self):
        Year.objects.create(number=1850)
        Account.objects.create(code="zz", name="New")
        Customer.objects.create(number=9, name="New")
        self.fail()
"""


@further("Each vendor is tested above, and several SQLite databases in test_open.")
def test_every_alias_of_a_project_is_opened(engine: docker.DockerClient, tmp_path: Path) -> None:
    del engine
    project, env = copy_of("depot", tmp_path), environment(tmp_path / "cache")
    (project / "archive" / "tests" / "test_all.py").write_text(ALL_ALIASES)
    failing = command(project, "run", "archive.tests.test_all", "--keep-failed", env=env)
    asking = (
        "from archive.models import Year; from ledger.models import Account; "
        "from legacy.models import Customer; print(Year.objects.filter(number=1850).count(), "
        "Account.objects.filter(code='zz').count(), Customer.objects.count())"
    )

    shell = command(project, "open", "--shell", env=env, given=asking)
    difference = command(project, "open", "--diff", env=env)

    assert failing.code == 1, failing.said
    assert shell.out.splitlines()[-1] == "1 1 1", shell.said
    named = [line for line in difference.out.splitlines() if line.startswith("Database ")]
    assert named == ["Database 'ledger'", "Database 'legacy'", "Database 'archive'"]


def test_a_command_reads_the_variables_of_exec(on_postgresql: Failed) -> None:
    asking = "import os, psycopg2; psycopg2.connect(os.environ['DATABASE_URL']).close()"

    done = command(
        on_postgresql.project, "open", "--", sys.executable, "-c", asking, env=on_postgresql.env
    )

    assert done.code == 0, done.said
