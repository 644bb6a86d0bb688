"""Passes the events of a stress run on, so that each test is reported once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ctest_containers.events import (
    BatchFinished,
    DatabaseFlushed,
    Event,
    FixtureFinished,
    FixtureStarted,
    ResetLeftToDjango,
    RunTimedOut,
    StressProgressed,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
    WorkerReady,
    WorkerStarted,
)
from ctest_containers.report.attempts import Statistics
from ctest_containers.report.record import status_of

OfATest = TestStarted | TestOutcome | TestDuration | TestFinished

DROPPED: Final = frozenset({FixtureStarted, FixtureFinished, DatabaseFlushed, WorkerReady})
"""What happens in every round, and is not reported."""

ON_ANY_WORKER: Final = 0
"""The worker of a test that has run on several."""


class RepeatedTests:
    """Collects the attempts of tests, and reports each test once.

    A test is reported as failed as soon as an attempt fails, with that attempt's events. A test of
    which no attempt fails is reported at the end, with the events of its first attempt.

    Args:
        report: Called with what reports should see.
        place: Returns the round and the index in the run of an index in a round.
        of_rounds: How many rounds there will be; 0 if that is not known.

    Attributes:
        run: How many tests have been reported, once all have.
    """

    def __init__(
        self,
        report: Callable[[Event], None],
        place: Callable[[int], tuple[int, int]],
        of_rounds: int,
    ) -> None:
        self.statistics = Statistics()
        self._report = report
        self._place = place
        self._of_rounds = of_rounds
        self._round_of: dict[int, int] = {}
        self._held: dict[int, list[OfATest]] = {}
        # The last attempt of each worker, as its index in a round, and whether it passed.
        self._last: dict[int, tuple[int, bool]] = {}
        # The first attempt of each test; None once the test was reported.
        self._first: dict[int, list[OfATest] | None] = {}
        self._once: set[object] = set()
        # The most memory that a process of each worker has had; only more is reported.
        self._memory_bytes: dict[int, int] = {}
        self._timed_out = False
        self.run = 0

    def entered(self, worker: int, round_number: int) -> None:
        """Note that a worker runs batches of a round from now on."""
        self._round_of[worker] = round_number

    def handle(self, event: Event) -> None:
        """Take an event of the pool."""
        match event:
            case TestStarted(worker=worker):
                self._held[worker] = [event]
                self._show_progress(event)
            case TestOutcome(index=None):
                self._add_fixture(event)
            case TestOutcome(worker=worker) | TestDuration(worker=worker):
                # Django reports some errors before a test has started, or after it has stopped.
                if worker in self._held:
                    self._held[worker].append(event)
                elif isinstance(event, TestOutcome):
                    self._add_late(event)
            case TestFinished(worker=worker):
                self._end_attempt([*self._held.pop(worker, ()), event], event)
            case TestRetried(worker=worker):
                self._held.pop(worker, None)
            case WorkerStarted(worker=worker):
                self._report_once(event, (WorkerStarted, worker))
            case ResetLeftToDjango(alias=alias, reason=reason):
                self._report_once(event, (ResetLeftToDjango, alias, reason))
            case RunTimedOut():
                self._timed_out = True
                self._report(event)
            case BatchFinished(worker=worker, memory_bytes=count):
                if count > self._memory_bytes.get(worker, 0):
                    self._memory_bytes[worker] = count
                    self._report(event)
            case _ if type(event) not in DROPPED:
                self._report(event)
            case _:
                pass

    def finish(self) -> None:
        """Report the tests of which no attempt failed."""
        for index, events in self._first.items():
            if events is not None:
                self._pass_on(events, index)
        self.run = len(self._first)

    def _end_attempt(self, events: list[OfATest], finished: TestFinished) -> None:
        round_number, index = self._place(finished.index)
        outcomes = [event for event in events if isinstance(event, TestOutcome)]
        if not outcomes or (self._timed_out and index in self._first and _was_not_run(outcomes)):
            return
        self.statistics.add(outcomes, round_number, finished.seconds)
        is_bad = any(status_of(outcome).is_bad for outcome in outcomes)
        self._last[finished.worker] = (finished.index, not is_bad)
        if is_bad:
            self._fail(index, events)
        else:
            self._first.setdefault(index, events)

    def _fail(self, index: int, events: list[OfATest]) -> None:
        """Report a test as failed, unless it already was."""
        if self._first.get(index, events) is not None:
            self._first[index] = None
            self._pass_on(events, index)

    def _add_late(self, event: TestOutcome) -> None:
        assert event.index is not None
        if not status_of(event).is_bad:
            return
        round_number, index = self._place(event.index)
        last, passed = self._last.pop(event.worker, (-1, False))
        self._last[event.worker] = (event.index, False)
        belongs = last == event.index
        self.statistics.add_late(event, round_number, passed=passed if belongs else None)
        self._fail(index, [*((self._first.get(index) or ()) if belongs else ()), event])

    def _add_fixture(self, event: TestOutcome) -> None:
        if status_of(event).is_bad:
            self.statistics.add_late(event, self._round_of.get(event.worker, 0))
        self._report_once(event, (event.test_id, event.kind))

    def _pass_on(self, events: list[OfATest], index: int) -> None:
        for event in events:
            self._report(replace(event, index=index, worker=ON_ANY_WORKER))

    def _report_once(self, event: Event, key: object) -> None:
        if key not in self._once:
            self._once.add(key)
            self._report(event)

    def _show_progress(self, event: TestStarted) -> None:
        self._report(
            StressProgressed(
                worker=event.worker,
                test_id=event.test_id,
                round_number=self._round_of.get(event.worker, 0),
                of_rounds=self._of_rounds,
                attempts=self.statistics.attempts,
                failed=self.statistics.failed,
            )
        )


def _was_not_run(outcomes: list[TestOutcome]) -> bool:
    problem = outcomes[0].problem
    return problem is not None and problem.message.startswith("Not run: ")
