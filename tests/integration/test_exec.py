"""`exec`: a command gets databases of its own, behaves as it would alone, and leaves nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import psutil
import pytest
from harness.containers import owned
from harness.programs import start_program
from harness.projects import start, wait_for
from harness.services import command, ended_afterwards, up

AUTHORS = "SELECT count(*) > 0 FROM library_author"

EMPTYING = 'psql -qc "DELETE FROM library_author"'

WAITING = 'touch "$0"; while :; do sleep 0.05; done'


@pytest.fixture
def env(
    postgresql_env: dict[str, str], project: Path, no_container_is_left: None
) -> Iterator[dict[str, str]]:
    """For a project on PostgreSQL, whose services are ended after the test."""
    del no_container_is_left
    yield from ended_afterwards(project, postgresql_env)


def test_a_command_finds_its_databases_and_has_its_own_input_output_and_exit_code(
    project: Path, env: dict[str, str]
) -> None:
    script = f"psql -Atc '{AUTHORS}'; psql -At \"$DATABASE_URL\" -c '{AUTHORS}'; cat; exit 7"

    done = command(project, "exec", "--", "sh", "-c", script, env=env, given="typed")

    assert (done.code, done.out) == (7, "t\nt\ntyped")


def test_the_environment_gets_nothing_but_the_databases(project: Path, env: dict[str, str]) -> None:
    before = {**env, "PGSERVICE": "production", "PGSSLMODE": "require"}

    done = command(project, "exec", "--", "env", "-0", env=before)

    found = dict(line.split("=", 1) for line in done.out.split("\0") if line)
    added = {name for name, value in found.items() if before.get(name) != value}
    assert added - {"_", "PWD", "SHLVL"} == {
        *("DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"),
    }
    assert set(before) - set(found) == {"PGSERVICE", "PGSSLMODE"}


def test_a_project_that_reads_database_url_is_led_to_them(
    project: Path, env: dict[str, str]
) -> None:
    settings = project / "outcomes" / "settings.py"
    settings.write_text(
        settings.read_text()
        + """
if "DATABASE_URL" in os.environ:
    from urllib.parse import urlsplit

    parts = urlsplit(os.environ["DATABASE_URL"])
    DATABASES["default"] |= {
        "NAME": parts.path[1:], "USER": parts.username, "PASSWORD": parts.password,
        "HOST": parts.hostname, "PORT": parts.port,
    }
"""
    )
    asked = "from library.models import Author; print(Author.objects.count() > 0)"
    script = (
        f'python3=$0; $python3 manage.py migrate --check && $python3 manage.py shell -c "{asked}"'
    )

    done = command(project, "exec", "--", "sh", "-c", script, sys.executable, env=env)

    assert done.code == 0, done.said
    assert done.out.splitlines()[-1] == "True"


def test_a_signal_that_ends_the_command_is_in_the_exit_code(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    done = command(project, "exec", "--", "sh", "-c", "kill -TERM $$", env=sqlite_env)

    assert done.code == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_the_command_decides(
    number: signal.Signals, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    started = tmp_path / "started"
    trapping = f"trap 'echo told; exit 9' {number.name.removeprefix('SIG')}; {WAITING}"
    process = start(project, "exec", "--", "sh", "-c", trapping, str(started), env=sqlite_env)
    wait_for(started.exists, 60, "the command")

    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=30)

    assert process.returncode == 9, output
    assert output.endswith("told\n")


def test_ctrl_c_at_the_terminal_reaches_the_command_once(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    counting = """
        trap 'n=$((n+1))' INT; echo ready
        for i in $(seq 300); do [ -n "$n" ] && break; sleep 0.1; done
        for i in $(seq 5); do sleep 0.1; done
        echo "told $n"; exit 4
    """
    ours, theirs = os.openpty()
    process = start_program(
        [sys.executable, "-m", "ctest_containers", "exec", "--", "sh", "-c", counting],
        project,
        sqlite_env,
        own_session=True,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b"ready" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, b"\x03")
    while b"told" not in shown:
        shown += os.read(ours, 1000)
    code = process.wait(30)
    os.close(ours)

    assert b"told 1" in shown
    assert code == 4


def test_ctrl_c_while_servers_start_ends_it_and_leaves_nothing(
    project: Path, env: dict[str, str], engine: docker.DockerClient
) -> None:
    before = owned(engine)
    process = start(project, "exec", "--", "sleep", "60", env=env)
    wait_for(lambda: owned(engine) - before, 60, "its server")

    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)

    assert process.returncode == 130
    assert owned(engine) <= before


def test_kill_9_ends_the_command_and_its_server_is_removed(
    project: Path, env: dict[str, str], engine: docker.DockerClient, tmp_path: Path
) -> None:
    before = owned(engine)
    started = tmp_path / "started"
    process = start(project, "exec", "--", "sh", "-c", WAITING, str(started), env=env)
    wait_for(started.exists, 60, "the command")
    own = [
        one for one in psutil.Process(process.pid).children() if one.cmdline()[:2] == ["sh", "-c"]
    ]

    process.kill()
    process.communicate()

    wait_for(lambda: owned(engine) <= before, 30, "the end of its server")
    assert len(own) == 1
    wait_for(lambda: not own[0].is_running(), 10, "the end of the command")


def test_with_a_service_a_slot_is_leased_and_comes_back_fresh(
    project: Path, env: dict[str, str]
) -> None:
    up(project, env=env)
    script = f'echo "$CTEST_SERVICE $CTEST_SLOT"; psql -Atc "{AUTHORS}"; {EMPTYING}; exit 3'

    first = command(project, "exec", "--service", "--", "sh", "-c", script, env=env)
    second = command(project, "exec", "--service", "--", "sh", "-c", script, env=env)

    assert (first.code, first.out) == (3, "default 1\nt\n"), first.said
    assert (second.code, second.out) == (3, "default 1\nt\n"), second.said


def test_a_slot_whose_exec_was_killed_is_fresh_for_the_next(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    up(project, env=sqlite_env)
    started = tmp_path / "started"
    spoiling = f': > "${{DATABASE_URL#sqlite:///}}"; {WAITING}'
    leasing = ("exec", "--service", "--", "sh", "-c")
    process = start(project, *leasing, spoiling, str(started), env=sqlite_env)
    wait_for(started.exists, 60, "the command")
    process.kill()
    process.communicate()

    done = command(project, *leasing, 'test -s "${DATABASE_URL#sqlite:///}"', env=sqlite_env)
    command(project, "service", "down", env=sqlite_env)

    assert done.code == 0, done.said


def test_a_service_that_is_ended_meanwhile_does_not_change_the_exit_code(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    up(project, env=sqlite_env)
    script = '"$0" -m ctest_containers service down >/dev/null; exit 5'

    done = command(
        project, "exec", "--service", "--", "sh", "-c", script, sys.executable, env=sqlite_env
    )

    assert (done.code, done.said) == (5, "")


def test_sqlite_needs_no_engine_and_its_file_is_gone_afterwards(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    done = command(
        project,
        *("exec", "--", "sh", "-c", 'f="${DATABASE_URL#sqlite:///}"; test -s "$f" && echo "$f"'),
        env=sqlite_env,
    )

    assert done.code == 0, done.said
    assert not Path(done.out.strip()).exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("npm", "run", "e2e"), 2, "For example: python -m ctest_containers exec -- npm run e2e"),
        (("--",), 2, "exec needs a command after --."),
        (("--", "no-such-command"), 127, "The command 'no-such-command' was not found."),
        (("--", "manage.py"), 127, "Did you mean ./manage.py?"),
        (("--", "./library/__init__.py"), 126, "is not executable"),
        (("--service", "e2e", "--", "true"), 2, "has no service 'e2e'"),
        (("--databases", "nowhere", "--", "true"), 2, "Unknown database 'nowhere'."),
        (("--service", "--databases", "default", "--", "true"), 2, "service up --databases"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    arguments: tuple[str, ...],
    code: int,
    words: str,
    project: Path,
    sqlite_env: dict[str, str],
) -> None:
    done = command(project, "exec", *arguments, env=sqlite_env)

    assert (done.code, done.out) == (code, "")
    assert words in done.said
    assert "Traceback" not in done.said
