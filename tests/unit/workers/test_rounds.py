"""A stress run's rounds follow one another without waiting, and see nothing of one another."""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import Iterator

import pytest
from unit.fakes import FakeSupply, World

from ctest_containers.events import Event, TestFinished, WorkerStarted
from ctest_containers.limits import Limits
from ctest_containers.project.suite import Batch
from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_choice import BatchChoice
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.pool import WorkerPool
from ctest_containers.workers.queue import queue_of

DEFAULT = frozenset(["default"])


class Case(unittest.TestCase):
    """A test that is never run here."""

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """Give the test its name."""


class FakeRounds:
    """Rounds of one test in each batch.

    Args:
        flushing: Whether the last batch of each round flushes its database.
    """

    def __init__(self, rounds: int, batches: int, *, flushing: bool = False) -> None:
        self.begun = 0
        self.ended_rounds: list[int] = []
        self.most_open = 0
        self.world = World(batches=[])
        self._rounds = rounds
        self._batches = batches
        self._flushing = flushing

    def next_round(self) -> BatchChoice | None:
        if self.begun == self._rounds:
            return None
        self.begun += 1
        self.most_open = max(self.most_open, self.begun - len(self.ended_rounds))
        first = len(self.world.batches)
        batches = [self._batch(number) for number in range(first, first + self._batches)]
        self.world.batches = [*self.world.batches, *batches]
        return BatchChoice(queue_of(batches, {}), FlushOrder(batches), self.begun)

    def entered(self, worker: int, round_number: int) -> None:
        """Take no note."""

    def ended(self, round_number: int) -> None:
        self.ended_rounds.append(round_number)

    def _batch(self, number: int) -> Batch:
        removes = self._flushing and (number + 1) % self._batches == 0
        return Batch(
            number=number,
            first=number,
            tests=[Case()],
            aliases=DEFAULT,
            needs_rows=not removes,
            removes_rows=removes,
            flushes=DEFAULT if removes else frozenset(),
        )


@pytest.fixture
def supply() -> Iterator[FakeSupply]:
    """Databases for the alias `default`, there at once."""
    fake = FakeSupply()
    yield fake
    fake.close()


def _run(rounds: FakeRounds, supply: FakeSupply, *, workers: int) -> list[Event]:
    events: list[Event] = []
    pool = WorkerPool(
        workers=workers,
        batches=(),
        supplier=supply,
        start=rounds.world.start,
        report=events.append,
        stopping=lambda: False,
        limits=Limits(per_test=None, per_worker=None, whole_run=None),
        rounds=rounds,
    )
    pool.run()
    assert pool.not_run == 0
    return events


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("flushing", [False, True])
def test_every_test_runs_once_in_every_round(
    supply: FakeSupply, *, workers: int, flushing: bool
) -> None:
    rounds = FakeRounds(5, 3, flushing=flushing)

    events = _run(rounds, supply, workers=workers)

    ran = Counter(event.index for event in events if isinstance(event, TestFinished))
    assert ran == Counter(range(15))
    assert sorted(rounds.ended_rounds) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("flushing", [False, True])
def test_no_process_runs_batches_of_two_rounds(supply: FakeSupply, *, flushing: bool) -> None:
    rounds = FakeRounds(4, 3, flushing=flushing)

    _run(rounds, supply, workers=2)

    for process in rounds.world.processes:
        commands = [command for command in process.commands if isinstance(command, RunBatch)]
        assert len({command.batch // 3 for command in commands}) <= 1


def test_a_worker_keeps_its_server_if_the_round_has_left_it_as_it_was(supply: FakeSupply) -> None:
    _run(FakeRounds(4, 3), supply, workers=1)

    assert supply.released == []


def test_a_worker_gets_a_new_server_if_the_round_has_flushed_it(supply: FakeSupply) -> None:
    events = _run(FakeRounds(4, 3, flushing=True), supply, workers=1)

    assert supply.released == [1, 1, 1]
    assert sum(isinstance(event, WorkerStarted) for event in events) == 4


def test_free_workers_begin_further_rounds_while_one_is_busy(supply: FakeSupply) -> None:
    rounds = FakeRounds(6, 1)

    events = _run(rounds, supply, workers=3)

    workers = {event.worker for event in events if isinstance(event, TestFinished)}
    assert workers == {1, 2, 3}
    assert rounds.most_open == 3
