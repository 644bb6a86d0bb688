"""The server host is started ahead of time where one was needed before, and ends if it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ctest_containers.servers import launch


@pytest.fixture(autouse=True)
def nothing_ahead() -> Iterator[None]:
    launch.give_up()
    yield
    launch.give_up()


def test_nothing_is_started_ahead_in_a_folder_that_never_needed_a_host(tmp_path: Path) -> None:
    launch.start_ahead(tmp_path / "cache", tmp_path)

    assert launch._ahead == []


def test_where_a_host_was_needed_the_next_run_finds_one_that_waits(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    launch.remember(cache, tmp_path, needed=True)

    launch.start_ahead(cache, tmp_path)
    (waiting,) = launch._ahead
    taken = launch.take()
    taken.end()

    assert taken is waiting
    assert taken.process.returncode == 0


def test_a_host_that_nobody_needs_ends_without_a_word(tmp_path: Path) -> None:
    launch.remember(tmp_path, tmp_path, needed=True)
    launch.start_ahead(tmp_path, tmp_path)
    (waiting,) = launch._ahead

    launch.give_up()

    assert waiting.process.returncode == 0


def test_a_folder_that_needs_none_any_more_is_forgotten(tmp_path: Path) -> None:
    launch.remember(tmp_path, tmp_path, needed=True)
    launch.remember(tmp_path, tmp_path, needed=False)

    launch.start_ahead(tmp_path, tmp_path)

    assert launch._ahead == []


def test_a_cache_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()

    launch.remember(tmp_path / "cache", tmp_path, needed=True)
    launch.start_ahead(tmp_path / "cache", tmp_path)

    assert launch._ahead == []
