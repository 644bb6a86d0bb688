"""A source of rounds for a pool whose workers are fakes."""

from __future__ import annotations

import unittest
from collections.abc import Collection, Sequence
from enum import Enum

from unit.fakes import FakeSupply, World

from ctest_containers.events import Event
from ctest_containers.limits import Limits
from ctest_containers.project.suite import Batch
from ctest_containers.workers.batch_choice import BatchChoice
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.pool import WorkerPool
from ctest_containers.workers.queue import queue_of
from ctest_containers.workers.rounds import RoundSource

DEFAULT = frozenset(["default"])


class Case(unittest.TestCase):
    """A test that is never run here."""

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """Give the test its name."""


class Kind(Enum):
    """What a batch does to rows, in the order that Django gives such tests."""

    ROLLS_BACK = 0
    FLUSHES = 1
    LEAVES = 2
    LEAVES_SOMEWHERE = 3


class FakeRounds:
    """Rounds of the same batches, with one test each.

    Args:
        exclusive: The positions of batches that may not run at the same time, in any round.
    """

    def __init__(self, rounds: int, kinds: Sequence[Kind], exclusive: Collection[int] = ()) -> None:
        self.begun = 0
        self.ended_rounds: list[int] = []
        self.most_open = 0
        self.world = World(batches=[])
        self._rounds = rounds
        self._kinds = sorted(kinds, key=lambda kind: kind.value)
        self._exclusive = exclusive

    def next_round(self) -> BatchChoice | None:
        if self.begun == self._rounds:
            return None
        self.begun += 1
        self.most_open = max(self.most_open, self.begun - len(self.ended_rounds))
        first = len(self.world.batches)
        batches = [self._batch(first, position) for position in range(len(self._kinds))]
        self.world.batches = [*self.world.batches, *batches]
        return BatchChoice(queue_of(batches, {}), FlushOrder(batches), self.begun)

    def entered(self, worker: int, round_number: int) -> None:
        """Take no note."""

    def ended(self, round_number: int) -> None:
        self.ended_rounds.append(round_number)

    def _batch(self, first: int, position: int) -> Batch:
        kind = self._kinds[position]
        if kind is Kind.FLUSHES:
            self.world.flushing = {*self.world.flushing, first + position}
        return Batch(
            number=first + position,
            first=first + position,
            tests=[Case()],
            aliases=frozenset() if kind is Kind.LEAVES_SOMEWHERE else DEFAULT,
            needs_rows=kind is Kind.ROLLS_BACK,
            removes_rows=kind is not Kind.ROLLS_BACK,
            leaves_rows=kind in {Kind.LEAVES, Kind.LEAVES_SOMEWHERE},
            flushes=DEFAULT if kind is Kind.FLUSHES else frozenset(),
            exclusive=frozenset(["a file"]) if position in self._exclusive else frozenset(),
        )


def run_rounds(rounds: FakeRounds, supply: FakeSupply, *, workers: int) -> list[Event]:
    """Run all rounds in a pool, and return what it reports."""
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


_: type[RoundSource] = FakeRounds
