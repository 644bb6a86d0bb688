"""Services: slots of migrated databases that stay, are leased, are fresh, and leave nothing."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import docker
import psutil
import pytest
from harness.github_files import as_the_runner_reads
from harness.projects import start, wait_for
from harness.services import ask, command, ended_afterwards, made_for, up
from harness.tiers import further

AUTHORS = "SELECT count(*) FROM library_author"
EMPTY = "DELETE FROM library_author RETURNING id"


@pytest.fixture
def env(
    postgresql_env: dict[str, str], project: Path, no_container_is_left: None
) -> Iterator[dict[str, str]]:
    """For a project on PostgreSQL, whose services are ended after the test."""
    del no_container_is_left
    yield from ended_afterwards(project, postgresql_env)


def status(project: Path, env: dict[str, str]) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and how each slot is doing."""
    done = command(project, "service", "status", "--json", env=env)
    slots: list[dict[str, Any]] = json.loads(done.out)["slots"]
    return done.code, slots


def test_slots_are_reached_by_their_addresses_are_migrated_and_separate(
    project: Path, env: dict[str, str], engine: docker.DockerClient, cache: Path
) -> None:
    slots = up(project, "--slots", "2", env=env)
    one, two = (slots[number]["default"] for number in ("1", "2"))
    ask(one["url"], EMPTY)

    counts = [ask(each["url"], AUTHORS)[0] for each in (one, two)]
    code, seen = status(project, env)
    logs = command(project, "service", "logs", "--slot", "2", env=env)
    down = command(project, "service", "down", env=env)

    assert counts[0] == 0
    assert counts[1] > 0
    assert one["host"] == "127.0.0.1"
    assert (one["vendor"], one["name"], one["user"]) == ("postgresql", "test_outcomes", "outcomes")
    assert code == 0
    assert [(slot["up"], slot["state"]) for slot in seen] == [(True, "free")] * 2
    assert "ready to accept connections" in logs.out
    assert f"slot 2, postgresql: {two['container']}" in logs.out
    assert one["container"] not in logs.out
    assert f"removed container {one['container']}" in down.out
    assert made_for(engine, cache) == set()
    assert command(project, "service", "down", env=env).out == "Nothing to remove.\n"


def test_what_is_up_stays_and_what_is_dead_is_started(
    project: Path, env: dict[str, str], engine: docker.DockerClient
) -> None:
    before = up(project, "--slots", "2", env=env)
    ended = before["1"]["default"]["container"]
    engine.containers.get(ended).kill()

    code, seen = status(project, env)
    said = command(project, "service", "status", env=env)
    after = up(project, "--slots", "2", env=env)

    assert code == 1
    assert [slot["up"] for slot in seen] == [False, True]
    assert f"The server {ended} ended with exit code 137" in said.out
    assert after["2"] == before["2"]
    assert after["1"] != before["1"]
    assert ask(after["1"]["default"]["url"], AUTHORS)[0] > 0
    assert status(project, env)[0] == 0


def test_a_server_that_somebody_has_paused_is_not_up_and_is_replaced(
    project: Path, env: dict[str, str], engine: docker.DockerClient
) -> None:
    before = up(project, env=env)
    paused = before["1"]["default"]["container"]
    engine.containers.get(paused).pause()

    said = command(project, "service", "status", env=env)
    after = up(project, env=env)

    assert said.code == 1
    assert f"The server {paused} is paused" in said.out
    assert after["1"]["default"]["container"] != paused
    assert ask(after["1"]["default"]["url"], AUTHORS)[0] > 0


def test_slots_of_an_outdated_template_are_replaced(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    before = up(project, env=sqlite_env)
    added = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("library", "{last}")]
    operations = [migrations.CreateModel("Late", [("id", models.BigAutoField(primary_key=True))])]
"""
    folder = project / "library" / "migrations"
    last = max(one.stem for one in folder.glob("0*.py"))
    (folder / "0999_late.py").write_text(added.format(last=last))

    after = up(project, env=sqlite_env)

    assert after != before
    with closing(sqlite3.connect(after["1"]["default"]["name"])) as connection:
        assert connection.execute("SELECT count(*) FROM library_late").fetchone() == (0,)
    command(project, "service", "down", env=sqlite_env)


def test_a_socket_outlives_its_maker_and_goes_with_its_slot(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "env"
    up(project, "--transport", "socket", "--env-file", str(file), env=env)
    listed = "set -a; . \"$0\"; psql -Atc 'SELECT count(*) > 0 FROM library_author'"

    shell = subprocess.run(["sh", "-c", listed, str(file)], capture_output=True, check=False)
    folders = [one for one in Path(gettempdir()).glob("ctest-*") if one.is_dir()]
    command(project, "service", "down", env=env)

    assert shell.stdout == b"t\n", shell.stderr
    assert len(folders) == 1
    assert not folders[0].exists()


def test_a_leased_slot_is_nobody_elses_and_comes_back_fresh(
    project: Path, env: dict[str, str], engine: docker.DockerClient, cache: Path, tmp_path: Path
) -> None:
    up(project, env=env)
    file = tmp_path / "env"

    leased = command(project, "service", "lease", "--env-file", str(file), env=env)
    refused = command(project, "service", "lease", env=env)
    shell = subprocess.run(
        ["sh", "-c", f"set -a; . {file}; psql -c '{EMPTY}' >&2; psql -Atc '{AUTHORS}'"],
        capture_output=True,
        text=True,
        check=False,
    )
    seen = status(project, env)[1]
    password = _variables(file)["PGPASSWORD"]
    released = command(project, "service", "release", _variables(file)["CTEST_SLOT"], env=env)
    again = command(project, "service", "lease", "--json", env=env)

    assert leased.code == 0, leased.said
    assert password not in leased.out + leased.said
    assert (refused.code, refused.out) == (2, "")
    assert "No slot of the service 'default' is free" in refused.said
    assert shell.stdout == "0\n", shell.stderr
    assert seen[0]["state"] == "leased"
    assert seen[0]["leased_by"] is None
    assert released.code == 0, released.said
    address = json.loads(again.out)["slots"]["1"]["default"]
    assert ask(address["url"], AUTHORS)[0] > 0
    assert made_for(engine, cache) == {address["container"]}


def test_a_lease_for_a_process_ends_however_the_process_does(
    project: Path, env: dict[str, str]
) -> None:
    up(project, env=env)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as job:
        leased = command(project, "service", "lease", "--for", str(job.pid), "--json", env=env)
        used = json.loads(leased.out)["slots"]["1"]["default"]
        ask(used["url"], EMPTY)
        holder = status(project, env)[1][0]["leased_by"]
        job.kill()

    fresh = command(project, "service", "lease", "--json", env=env)

    assert holder == job.pid
    address = json.loads(fresh.out)["slots"]["1"]["default"]
    assert ask(address["url"], AUTHORS)[0] > 0
    assert address["container"] != used["container"]


def test_later_steps_on_github_get_the_variables_and_its_log_no_password(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    files = {name: str(tmp_path / name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}

    done = command(project, "service", "up", "--slots", "2", "--github-env", env={**env, **files})

    assert done.code == 0, done.said
    found = [as_the_runner_reads(Path(file).read_text()) for file in files.values()]
    assert found[0] == found[1]
    assert found[0]["DATABASE_URL"] == found[0]["CTEST_1_DATABASE_URL"]
    assert ask(found[0]["CTEST_2_DATABASE_URL"], AUTHORS)[0] > 0
    passwords = [found[0][f"CTEST_{number}_PGPASSWORD"] for number in (1, 2)]
    masks, _, rest = done.out.partition("slot ")
    assert masks.splitlines() == [f"::add-mask::{one}" for one in passwords]
    assert not any(one in rest + done.said for one in passwords)


def test_other_runs_and_clean_leave_a_service_alone_until_no_file_names_it(
    project: Path, env: dict[str, str], engine: docker.DockerClient, cache: Path
) -> None:
    slots = up(project, env=env)
    own = {slots["1"]["default"]["container"]}

    command(project, "clean", env=env)
    after_clean = made_for(engine, cache)
    (cache / "ctest_containers" / "services" / "outcomes" / "default.json").unlink()
    command(project, "clean", env=env)

    assert after_clean == own
    assert made_for(engine, cache) == set()


def test_passwords_are_in_the_private_file_and_nowhere_else(
    project: Path, env: dict[str, str], engine: docker.DockerClient, cache: Path
) -> None:
    slots = up(project, env=env, forked=False)
    password, name = (slots["1"]["default"][key] for key in ("password", "container"))
    container = engine.containers.get(name)

    said = command(project, "service", "status", env=env).out
    kept = cache / "ctest_containers" / "services" / "outcomes" / "default.json"
    holding = [one for one in cache.rglob("*") if one.is_file() and password in _text(one)]

    assert password not in said + str(container.attrs) + container.logs().decode()
    assert not any(password in " ".join(one) for one in _command_lines())
    assert holding == [kept]
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "seed", [8, *(pytest.param(n, marks=further("More moments.")) for n in (9, 10))]
)
def test_an_up_that_is_killed_at_any_moment_leaves_nothing_to_down(
    project: Path, env: dict[str, str], engine: docker.DockerClient, cache: Path, seed: int
) -> None:
    """The moments are in the midst of starting and handing over; some end the server host, too."""
    up(project, env=env)
    moments = random.Random(seed)
    for with_host in (False, True):
        command(project, "service", "down", env=env)
        process = start(project, "service", "up", "--slots", "2", env=env, forked=False)
        # What matters begins when the first container is there.
        wait_for(lambda: made_for(engine, cache), 60, "the first container")
        time.sleep(moments.uniform(0, 0.8))
        own = psutil.Process(process.pid)
        hosts = own.children(recursive=True) if with_host and own.is_running() else []
        process.kill()
        for host in hosts:
            host.kill()
        process.communicate()

    completed = up(project, "--slots", "2", env=env)
    wait_for(lambda: len(made_for(engine, cache)) == 2, 20, "the end of what was left")
    reached = [ask(slot["default"]["url"], AUTHORS)[0] > 0 for slot in completed.values()]
    command(project, "service", "down", env=env)

    assert reached == [True, True]
    assert made_for(engine, cache) == set()


def test_sqlite_needs_no_engine(project: Path, sqlite_env: dict[str, str]) -> None:
    slots = up(project, "--slots", "2", "--name", "files", env=sqlite_env)
    names = [slot["default"]["name"] for slot in slots.values()]

    named = ("--name", "files")
    code = command(project, "service", "status", *named, env=sqlite_env).code
    logs = command(project, "service", "logs", *named, env=sqlite_env)
    exist = [Path(name).is_file() for name in names]
    down = command(project, "service", "down", *named, env=sqlite_env)

    assert len(set(names)) == 2
    assert all(slot["default"]["container"] is None for slot in slots.values())
    assert code == 0
    assert logs.out == "SQLite databases have no server, and so no logs.\n"
    assert exist == [True, True]
    assert down.code == 0
    assert not any(Path(name).parent.exists() for name in names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status",), "The project 'outcomes' has no service 'default'."),
        (("lease", "--name", "e2e"), "service up --name e2e"),
        (("up", "--name", "A B"), "Invalid service name 'A B'."),
        (("up", "--databases", "nowhere"), "Unknown database 'nowhere'."),
        (("up", "--github-env"), "--github-env needs the variable GITHUB_ENV"),
        (("up", "--env-file", "."), "is a folder"),
        (("up", "--slots", "0"), "must be a whole number of 1 or more"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    arguments: tuple[str, ...], words: str, project: Path, sqlite_env: dict[str, str]
) -> None:
    env = {name: value for name, value in sqlite_env.items() if not name.startswith("GITHUB")}

    done = command(project, "service", *arguments, env=env)

    assert done.code == 2
    assert words in done.said
    assert "Traceback" not in done.said


def _variables(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def _text(file: Path) -> str:
    return file.read_bytes().decode(errors="replace")


def _command_lines() -> list[list[str]]:
    return [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
