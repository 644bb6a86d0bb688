"""The server host is started ahead of time where one was needed before, and ends if it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctest_containers.model import Vendor
from ctest_containers.servers.answers import HostTask
from ctest_containers.servers.requests import StartServer
from ctest_containers.servers.standby import STANDBY, task_of
from ctest_containers.supply.earlier_runs import (
    MAX_COMMANDS,
    CommandNeeds,
    EarlierRuns,
    start_ahead,
)

COMMAND = ["run", "--parallel", "2"]
SERVER = StartServer(
    server="w1-postgresql-1",
    group="postgresql",
    image="localhost/ctest/none/postgresql:0",
    own_image=True,
    vendor=Vendor("postgresql"),
    users=("shop",),
    timeout_seconds=1.0,
    memory_bytes=2**28,
    fingerprint="0",
    databases=("test_shop",),
)
NEEDS = CommandNeeds("shop", "auto", (SERVER,))


def _remember(cache: Path, folder: Path, needs: CommandNeeds | None, *, host: bool) -> None:
    EarlierRuns(cache).remember_command(folder, COMMAND, needs, host=host)


@pytest.fixture(autouse=True)
def nothing_ahead() -> Iterator[None]:
    STANDBY.end()
    yield
    STANDBY.end()


def test_nothing_is_started_ahead_in_a_folder_that_never_needed_a_host(tmp_path: Path) -> None:
    start_ahead(tmp_path / "cache", tmp_path)

    assert STANDBY.waiting is None


@pytest.mark.usefixtures("no_engine")
def test_where_a_host_was_needed_the_next_run_finds_one_that_waits(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    _remember(cache, tmp_path, None, host=True)

    start_ahead(cache, tmp_path)
    waiting = STANDBY.waiting
    assert waiting is not None
    taken = STANDBY.take(_arguments(tmp_path))
    taken.end()

    assert taken is waiting
    assert taken.process.returncode == 0


def test_a_host_that_nobody_needs_ends_without_a_word(tmp_path: Path) -> None:
    _remember(tmp_path, tmp_path, None, host=True)
    start_ahead(tmp_path, tmp_path)
    waiting = STANDBY.waiting
    assert waiting is not None

    STANDBY.end()

    assert waiting.process.returncode == 0


def test_a_folder_that_needs_none_any_more_is_forgotten(tmp_path: Path) -> None:
    _remember(tmp_path, tmp_path, None, host=True)
    _remember(tmp_path, tmp_path, None, host=False)

    start_ahead(tmp_path, tmp_path)

    assert STANDBY.waiting is None


def test_a_cache_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()

    _remember(tmp_path / "cache", tmp_path, None, host=True)
    start_ahead(tmp_path / "cache", tmp_path)

    assert STANDBY.waiting is None


def _arguments(folder: Path, project: str = "shop", transport: str = "auto") -> HostTask:
    return task_of(run="0", folder=folder, project=project, transport=transport)


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")


@pytest.mark.usefixtures("no_engine")
def test_what_a_command_needed_is_asked_for_when_it_is_run_again(tmp_path: Path) -> None:
    start_ahead(tmp_path, tmp_path, COMMAND)
    _remember(tmp_path, tmp_path, NEEDS, host=True)

    start_ahead(tmp_path, tmp_path, COMMAND)
    waiting = STANDBY.waiting
    taken = STANDBY.take(_arguments(tmp_path))

    assert taken is waiting
    assert taken.ahead is not None
    assert tuple(taken.ahead.servers.values()) == (SERVER,)
    assert taken.task is not None
    own = Path(taken.task.folder)
    assert own.is_dir()
    taken.end()
    assert not own.exists()
    assert tmp_path.is_dir()


@pytest.mark.usefixtures("no_engine")
def test_another_command_gets_a_host_that_was_asked_for_nothing(tmp_path: Path) -> None:
    start_ahead(tmp_path, tmp_path, COMMAND)
    _remember(tmp_path, tmp_path, NEEDS, host=True)

    start_ahead(tmp_path, tmp_path, ["run"])

    assert STANDBY.waiting is not None
    assert STANDBY.waiting.ahead is None


@pytest.mark.usefixtures("no_engine")
def test_a_command_that_needs_what_any_command_needs_gets_the_servers_of_the_last_one(
    tmp_path: Path,
) -> None:
    start_ahead(tmp_path, tmp_path, COMMAND)
    _remember(tmp_path, tmp_path, NEEDS, host=True)

    start_ahead(tmp_path, tmp_path, ["hunt", "a.test"], of_any=True)

    assert STANDBY.waiting is not None
    assert STANDBY.waiting.ahead is not None
    assert tuple(STANDBY.waiting.ahead.servers.values()) == (SERVER,)


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize(
    ("project", "transport", "engine"),
    [
        ("other", "auto", "unix:///nonexistent/docker.sock"),
        ("shop", "port", "unix:///nonexistent/docker.sock"),
        ("shop", "auto", "unix:///elsewhere/docker.sock"),
    ],
)
def test_what_is_on_its_way_for_other_settings_is_given_up(
    project: str, transport: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ahead(tmp_path, tmp_path, COMMAND)
    _remember(tmp_path, tmp_path, NEEDS, host=True)
    start_ahead(tmp_path, tmp_path, COMMAND)
    waiting = STANDBY.waiting
    assert waiting is not None
    monkeypatch.setenv("DOCKER_HOST", engine)

    taken = STANDBY.take(_arguments(tmp_path, project, transport))
    taken.end()

    assert taken is not waiting
    assert taken.ahead is None
    assert waiting.process.returncode == 0


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[]", '{"KEY": null}', '{"KEY": {"servers": [{}]}}', '{"KEY": {"servers": 3}}'],
)
def test_a_note_that_cannot_be_understood_starts_the_host_alone(text: str, tmp_path: Path) -> None:
    _remember(tmp_path, tmp_path, NEEDS, host=True)
    (note,) = (tmp_path / "needs-engine").iterdir()
    (key,) = json.loads(note.read_text())
    note.write_text(text.replace("KEY", key))

    start_ahead(tmp_path, tmp_path, COMMAND)

    assert STANDBY.waiting is not None
    assert STANDBY.waiting.ahead is None


def test_the_oldest_commands_are_forgotten(tmp_path: Path) -> None:
    earlier = EarlierRuns(tmp_path)
    for number in range(MAX_COMMANDS + 5):
        earlier.remember_command(tmp_path, (str(number),), NEEDS, host=True)

    known = [
        number
        for number in range(MAX_COMMANDS + 5)
        if earlier.of_command(tmp_path, (str(number),)) == NEEDS
    ]

    assert known == list(range(5, MAX_COMMANDS + 5))


@pytest.mark.usefixtures("no_engine")
def test_where_settings_name_the_engine_nothing_is_asked_for_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ahead(tmp_path, tmp_path, COMMAND)
    with monkeypatch.context() as while_it_runs:
        while_it_runs.setenv("DOCKER_HOST", "unix:///elsewhere/docker.sock")
        _remember(tmp_path, tmp_path, NEEDS, host=True)

    start_ahead(tmp_path, tmp_path, COMMAND)

    assert STANDBY.waiting is not None
    assert STANDBY.waiting.ahead is None
