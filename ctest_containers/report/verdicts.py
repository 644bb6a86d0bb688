"""Holds back the reports on failed tests until none of them runs again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ctest_containers.events import (
    BatchFinished,
    Event,
    FixtureStarted,
    OutcomeKind,
    RerunsEnded,
    RerunStarted,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
)
from ctest_containers.report.api import Report
from ctest_containers.report.record import UNEXPECTED, status_of


@dataclass(slots=True)
class _Attempt:
    """The events of one attempt at a test, in their order."""

    index: int
    events: list[tuple[Event, float]] = field(default_factory=list)
    is_over: bool = False

    @property
    def outcomes(self) -> list[TestOutcome]:
        return [event for event, _ in self.events if isinstance(event, TestOutcome)]

    @property
    def has_failed(self) -> bool:
        return any(status_of(outcome).is_bad for outcome in self.outcomes)

    @property
    def has_passed(self) -> bool:
        passing = {OutcomeKind.SUCCESS, OutcomeKind.EXPECTED_FAILURE}
        return not self.has_failed and any(outcome.kind in passing for outcome in self.outcomes)


class VerdictReport:
    """Passes each test on once, with the attempt that counts.

    That is the first one that passed; if none did, the first one.

    Args:
        report: What the events are passed on to.

    Attributes:
        flaky: The first failure of each flaky test and fixture, by its name.
    """

    def __init__(self, report: Report) -> None:
        self.flaky: dict[str, str] = {}
        self._report = report
        # What workers run at the moment.
        self._running: dict[int, _Attempt] = {}
        self._failed: dict[int, _Attempt] = {}
        self._passed: dict[int, _Attempt] = {}
        self._told: set[int] = set()
        self._fixtures: dict[str, tuple[TestOutcome, float]] = {}

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        match event:
            case TestStarted(worker=worker, index=index):
                self._end(worker)
                self._running[worker] = _Attempt(index, [(event, at)])
            case TestRetried(worker=worker):
                self._running.pop(worker, None)
            case TestOutcome(index=None):
                if status_of(event).is_bad:
                    self._fixtures.setdefault(event.test_id, (event, at))
                else:
                    self._report.handle(event, at)
            case TestOutcome(worker=worker, index=int(index)):
                self._attempt(worker, index).events.append((event, at))
            case TestFinished(worker=worker, index=index):
                attempt = self._attempt(worker, index)
                attempt.events.append((event, at))
                attempt.is_over = True
            case FixtureStarted(worker=worker) | BatchFinished(worker=worker):
                self._end(worker)
            case RerunStarted(indices=indices):
                self._end_all(indices)
            case RerunsEnded(indices=indices):
                self._end_all(indices)
                self._settle(event)
            case _:
                self._add(event, at)

    def finish(self) -> None:
        """Pass on what was held back: no more tests run."""
        for worker in list(self._running):
            self._end(worker)
        for index in list(self._failed):
            self._settle_test(index)
        for outcome, at in self._fixtures.values():
            self._report.handle(outcome, at)
        self._fixtures.clear()

    def _add(self, event: Event, at: float) -> None:
        """Add a report that comes between those on the outcomes of a test."""
        worker, index = getattr(event, "worker", 0), getattr(event, "index", None)
        attempt = self._running.get(worker)
        if attempt is not None and attempt.index == index:
            attempt.events.append((event, at))

    def _attempt(self, worker: int, index: int) -> _Attempt:
        """Return the attempt that a report is about; the test may not have started."""
        attempt = self._running.get(worker)
        if attempt is None or attempt.index != index:
            self._end(worker)
            attempt = self._running[worker] = _Attempt(index)
        return attempt

    def _end(self, worker: int) -> None:
        """Note that a worker has reported everything on a test."""
        attempt = self._running.pop(worker, None)
        if attempt is None or (not attempt.outcomes and not attempt.is_over):
            return
        if attempt.has_failed:
            self._failed.setdefault(attempt.index, attempt)
        elif attempt.has_passed:
            self._passed.setdefault(attempt.index, attempt)
            # A test that has failed waits: its first failure must be known to have passed, too.
            if attempt.index not in self._failed:
                self._tell(attempt)
        elif attempt.index not in self._failed:
            self._tell(attempt)

    def _end_all(self, indices: Collection[int]) -> None:
        """End the attempts at some tests, whose workers may be gone."""
        for worker, attempt in list(self._running.items()):
            if attempt.index in indices:
                self._end(worker)

    def _settle_test(self, index: int) -> None:
        failed, passed = self._failed.pop(index, None), self._passed.get(index)
        if failed is None:
            return
        if passed is not None:
            self.flaky[failed.outcomes[0].test_id] = _text(failed.outcomes)
        self._tell(passed or failed)

    def _settle(self, ended: RerunsEnded) -> None:
        for index in ended.indices:
            self._settle_test(index)
        for name in ended.flaky:
            if name in self._fixtures:
                self.flaky[name] = _text([self._fixtures.pop(name)[0]])
        for name in ended.failed:
            if name in self._fixtures:
                self._report.handle(*self._fixtures.pop(name))

    def _tell(self, attempt: _Attempt) -> None:
        """Pass on an attempt, unless one of the same test has been passed on."""
        if attempt.index in self._told:
            return
        self._told.add(attempt.index)
        for event, at in attempt.events:
            self._report.handle(event, at)
        # Thousands of tests may pass, with everything that they print.
        attempt.events.clear()


def _text(outcomes: list[TestOutcome]) -> str:
    """Return what was reported on a failure, in unittest's words."""
    texts = [
        f"{outcome.subtest}\n{outcome.problem.text}" if outcome.subtest else outcome.problem.text
        for outcome in outcomes
        if outcome.problem is not None and status_of(outcome).is_bad
    ]
    return "\n".join(texts) or UNEXPECTED
