"""A stress run's rounds follow one another without waiting, and see nothing of one another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from unit.fake_rounds import FakeRounds, Kind, run_rounds
from unit.fakes import FakeSupply

from ctest_containers.events import TestFinished, WorkerStarted

KEEPING = [Kind.ROLLS_BACK] * 3
CHANGING = [Kind.ROLLS_BACK, Kind.ROLLS_BACK, Kind.FLUSHES]


@pytest.fixture
def supply() -> Iterator[FakeSupply]:
    """Databases for the alias `default`, there at once."""
    fake = FakeSupply()
    yield fake
    fake.close()


def test_a_worker_keeps_its_server_if_the_round_has_left_it_as_it_was(supply: FakeSupply) -> None:
    run_rounds(FakeRounds(4, KEEPING), supply, workers=1)

    assert supply.released == []


def test_a_worker_gets_a_new_server_if_the_round_has_flushed_it(supply: FakeSupply) -> None:
    events = run_rounds(FakeRounds(4, CHANGING), supply, workers=1)

    assert supply.released == [1, 1, 1]
    assert sum(isinstance(event, WorkerStarted) for event in events) == 4


def test_free_workers_begin_further_rounds_while_one_is_busy(supply: FakeSupply) -> None:
    rounds = FakeRounds(6, [Kind.ROLLS_BACK])

    events = run_rounds(rounds, supply, workers=3)

    workers = {event.worker for event in events if isinstance(event, TestFinished)}
    assert workers == {1, 2, 3}
    assert rounds.most_open == 3
