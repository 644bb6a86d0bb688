"""Runs the selected tests again and again, each round in an order of its own."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ctest_containers.events import Event, FailureKept, FailureNotKept, RunStopping, StressFinished
from ctest_containers.model import Stress
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.report.repeated import RepeatedTests
from ctest_containers.session.schedule import expected_seconds
from ctest_containers.text import plural
from ctest_containers.timings import Timings
from ctest_containers.workers.batch_choice import BatchChoice
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.queue import queue_of


class Shuffle(NamedTuple):
    """How the tests of a run are shuffled.

    Attributes:
        seed: The seed of the run.
        ordered: Returns tests in the order that Django's `--shuffle` gives them with a seed.
    """

    seed: int
    ordered: Callable[[Sequence[unittest.TestCase], int], Sequence[unittest.TestCase]]


class StressRun:
    """The rounds of a stress run, for its pool.

    In a round, tests have the indices from `round number * number of tests`, in the order of the
    round. Batches are numbered in the same way.

    Args:
        tests: All tests of the run.
        repeated: Those that run once in every round.
        shuffle: How they are shuffled in the first round.
        aliases: The databases that they use.
        report: Called with the events that reports should see.
    """

    def __init__(
        self,
        stress: Stress,
        tests: Sequence[unittest.TestCase],
        *,
        repeated: Sequence[unittest.TestCase],
        shuffle: Shuffle,
        aliases: Collection[str],
        report: Callable[[Event], None],
    ) -> None:
        self._stress = stress
        self._tests = repeated
        self._indices = {id(test): index for index, test in enumerate(tests)}
        self._shuffle = shuffle
        self._aliases = aliases
        self._begun = self._ended = 0
        self._started = self._finished = ORIGINALS.monotonic()
        self._timings = Timings()
        self._database_of: Mapping[str, str] = {}
        self._mirrors: Collection[str] = ()
        # The indices in the run of the tests of each open round, in its order.
        self._orders: dict[int, list[int]] = {}
        self._open: dict[int, list[Batch]] = {}
        self._repeated = RepeatedTests(report, self._place, stress.rounds or 0)

    @property
    def batches(self) -> list[Batch]:
        """The batches of the open rounds."""
        return [batch for batches in self._open.values() for batch in batches]

    @property
    def is_over(self) -> bool:
        """Whether the duration that was asked for is over."""
        limit = self._stress.seconds
        return limit is not None and ORIGINALS.monotonic() - self._started >= limit

    def begin(
        self, timings: Timings, database_of: Mapping[str, str], mirrors: Collection[str]
    ) -> None:
        """Note what rounds depend on, and that the first one begins.

        Args:
            timings: What past runs have measured.
            database_of: For each alias, the first alias of the same database.
            mirrors: The aliases that mirror others, which Django does not flush.
        """
        self._timings, self._database_of, self._mirrors = timings, database_of, mirrors
        self._started = ORIGINALS.monotonic()

    def next_round(self) -> BatchChoice | None:
        """See `RoundSource`."""
        if self._begun == self._stress.rounds or not self._tests:
            return None
        self._begun += 1
        number, first = self._begun, self._begun * len(self._tests)
        tests = self._shuffle.ordered(self._tests, self.seed_of(number))
        batches = make_batches(tests, self._aliases, self._mirrors, first=first)
        self._orders[number] = [self._indices[id(test)] for test in tests]
        self._open[number] = batches
        order = FlushOrder(batches, databases=self._database_of, mirrors=self._mirrors)
        queue = queue_of(batches, expected_seconds(batches, self._timings))
        return BatchChoice(queue, order, number)

    def handle(self, event: Event) -> None:
        """Take an event of the pool."""
        # That running tests end when the duration is over is no news.
        if not (isinstance(event, RunStopping) and self.is_over):
            self._repeated.handle(event)

    def entered(self, worker: int, round_number: int) -> None:
        """See `RoundSource`."""
        self._repeated.entered(worker, round_number)

    def ended(self, round_number: int) -> None:
        """See `RoundSource`."""
        self._ended += 1
        del self._orders[round_number], self._open[round_number]

    def seed_of(self, round_number: int) -> int:
        """Return the seed of a round."""
        return self._shuffle.seed + round_number - 1

    def finish(self) -> None:
        """Report the tests of which no attempt failed."""
        self._finished = ORIGINALS.monotonic()
        self._repeated.finish()

    def summary(self) -> StressFinished:
        """Return the statistics of all rounds."""
        statistics = self._repeated.statistics
        return StressFinished(
            seed=self._shuffle.seed,
            rounds=self._ended,
            of_rounds=self._stress.rounds or 0,
            attempts=statistics.attempts,
            failed=statistics.failed,
            seconds=round(self._finished - self._started, 3),
            tests=statistics.failures(),
            durations=statistics.durations(),
        )

    @property
    def never_run(self) -> int:
        """How many tests were not run to their end in any round."""
        return len(self._tests) - self._repeated.run

    @property
    def progress(self) -> str:
        """Return how many rounds were run to their end, as a sentence."""
        if self._stress.rounds is None:
            return f"{plural(self._ended, 'round')} completed."
        return f"{self._ended} of {plural(self._stress.rounds, 'round')} completed."

    def located(self, event: Event) -> Event:
        """Return an event; if it is on a kept failure, with the index in the run."""
        if not isinstance(event, FailureKept | FailureNotKept) or event.index is None:
            return event
        return replace(event, index=self._place(event.index)[1])

    def _place(self, index: int) -> tuple[int, int]:
        """Return the round of an index in a round, and the index in the run."""
        number, position = divmod(index, len(self._tests))
        return number, self._orders[number][position]
