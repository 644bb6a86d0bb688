"""The server host is started ahead of time where one was needed before, and ends if it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ctest_containers.model import Vendor
from ctest_containers.servers import warm_start
from ctest_containers.servers.requests import StartServer

COMMAND = ["run", "--parallel", "2"]
SERVER = StartServer(
    server="w1-postgresql-1",
    group="postgresql",
    image="localhost/ctest/none/postgresql:0",
    own_image=True,
    vendor=Vendor.POSTGRESQL,
    users=("shop",),
    timeout_seconds=1.0,
    memory_bytes=2**28,
    fingerprint="0",
    databases=("test_shop",),
)
NEEDS = warm_start.Needs("shop", "auto", (SERVER,))


@pytest.fixture(autouse=True)
def nothing_ahead() -> Iterator[None]:
    warm_start.give_up()
    yield
    warm_start.give_up()


def test_nothing_is_started_ahead_in_a_folder_that_never_needed_a_host(tmp_path: Path) -> None:
    warm_start.start_ahead(tmp_path / "cache", tmp_path)

    assert warm_start._state.waiting is None


@pytest.mark.usefixtures("no_engine")
def test_where_a_host_was_needed_the_next_run_finds_one_that_waits(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    warm_start.remember(cache, tmp_path, needed=True)

    warm_start.start_ahead(cache, tmp_path)
    waiting = warm_start._state.waiting
    assert waiting is not None
    taken = warm_start.take(_arguments(tmp_path))
    taken.end()

    assert taken is waiting
    assert taken.process.returncode == 0


def test_a_host_that_nobody_needs_ends_without_a_word(tmp_path: Path) -> None:
    warm_start.remember(tmp_path, tmp_path, needed=True)
    warm_start.start_ahead(tmp_path, tmp_path)
    waiting = warm_start._state.waiting
    assert waiting is not None

    warm_start.give_up()

    assert waiting.process.returncode == 0


def test_a_folder_that_needs_none_any_more_is_forgotten(tmp_path: Path) -> None:
    warm_start.remember(tmp_path, tmp_path, needed=True)
    warm_start.remember(tmp_path, tmp_path, needed=False)

    warm_start.start_ahead(tmp_path, tmp_path)

    assert warm_start._state.waiting is None


def test_a_cache_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()

    warm_start.remember(tmp_path / "cache", tmp_path, needed=True)
    warm_start.start_ahead(tmp_path / "cache", tmp_path)

    assert warm_start._state.waiting is None


def _arguments(
    folder: Path, project: str = "shop", transport: str = "auto"
) -> Mapping[str, object]:
    return warm_start.arguments(run="0", folder=folder, project=project, transport=transport)


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")


@pytest.mark.usefixtures("no_engine")
def test_what_a_command_needed_is_asked_for_when_it_is_run_again(tmp_path: Path) -> None:
    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)
    warm_start.remember(tmp_path, tmp_path, needed=True, needs=NEEDS)

    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)
    waiting = warm_start._state.waiting
    taken = warm_start.take(_arguments(tmp_path))

    assert taken is waiting
    assert taken.ahead is not None
    assert tuple(taken.ahead.servers.values()) == (SERVER,)
    own = Path(taken.arguments["folder"])
    assert own.is_dir()
    taken.end()
    assert not own.exists()
    assert tmp_path.is_dir()


@pytest.mark.usefixtures("no_engine")
def test_another_command_gets_a_host_that_was_asked_for_nothing(tmp_path: Path) -> None:
    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)
    warm_start.remember(tmp_path, tmp_path, needed=True, needs=NEEDS)

    warm_start.start_ahead(tmp_path, tmp_path, ["run"])

    assert warm_start._state.waiting is not None
    assert warm_start._state.waiting.ahead is None


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
    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)
    warm_start.remember(tmp_path, tmp_path, needed=True, needs=NEEDS)
    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)
    waiting = warm_start._state.waiting
    assert waiting is not None
    monkeypatch.setenv("DOCKER_HOST", engine)

    taken = warm_start.take(_arguments(tmp_path, project, transport))
    taken.end()

    assert taken is not waiting
    assert taken.ahead is None
    assert waiting.process.returncode == 0


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[]", '{"KEY": null}', '{"KEY": {"servers": [{}]}}', '{"KEY": {"servers": 3}}'],
)
def test_a_note_that_cannot_be_understood_starts_the_host_alone(text: str, tmp_path: Path) -> None:
    warm_start.remember(tmp_path, tmp_path, needed=True)
    (note,) = (tmp_path / "needs-engine").iterdir()
    note.write_text(text.replace("KEY", warm_start._key(COMMAND)))

    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)

    assert warm_start._state.waiting is not None
    assert warm_start._state.waiting.ahead is None


def test_only_so_many_commands_are_kept(tmp_path: Path) -> None:
    for number in range(warm_start.KEPT_COMMANDS + 5):
        warm_start._state.command = (str(number),)
        warm_start.remember(tmp_path, tmp_path, needed=True, needs=NEEDS)

    kept = warm_start._read(warm_start._note(tmp_path, tmp_path))

    assert kept is not None
    last = range(5, warm_start.KEPT_COMMANDS + 5)
    assert list(kept) == [warm_start._key([str(number)]) for number in last]


@pytest.mark.usefixtures("no_engine")
def test_where_settings_name_the_engine_nothing_is_asked_for_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)
    with monkeypatch.context() as while_it_runs:
        while_it_runs.setenv("DOCKER_HOST", "unix:///elsewhere/docker.sock")
        warm_start.remember(tmp_path, tmp_path, needed=True, needs=NEEDS)

    warm_start.start_ahead(tmp_path, tmp_path, COMMAND)

    assert warm_start._state.waiting is not None
    assert warm_start._state.waiting.ahead is None
