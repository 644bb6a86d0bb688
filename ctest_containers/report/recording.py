"""Puts the record of a run together from its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from ctest_containers.events import (
    AffectedTestsChosen,
    BatchFinished,
    Event,
    FixtureFinished,
    FixtureStarted,
    LeakDetected,
    MemoryMeasured,
    OutcomeKind,
    PhaseStarted,
    RerunsEnded,
    RerunStarted,
    RunFinished,
    RunStarted,
    ServerMeasured,
    ServerReady,
    StressFinished,
    StressProgressed,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
    TemplatePulled,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestPlace,
    TestRetried,
    TestsFound,
    TestStarted,
    TimePassed,
    WorkerLost,
    WorkerPaused,
    WorkerRecycled,
    WorkerResumed,
    WorkerRetired,
    WorkersPlanned,
    WorkerStarted,
)
from ctest_containers.names import owner_of
from ctest_containers.report.messages import lines_of
from ctest_containers.report.record import (
    WORST_FIRST,
    FixtureRecord,
    RunRecord,
    Status,
    TestRecord,
    WorkerRecord,
    status_of,
)


class Recording:
    """Puts a record together; a `Report` by itself, and a part of others."""

    def __init__(self) -> None:
        self.run = RunRecord()
        self._fixtures: dict[int, FixtureRecord] = {}
        # The attempts at each test that has run again, and the names of fixtures that have.
        self._attempts: dict[int, list[TestRecord]] = {}
        self._rerun_fixtures: set[str] = set()
        self._failed_fixtures: set[str] = set()

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        self.run.ended = at
        take = _TAKEN.get(type(event))
        if take is None:
            self._take_note(event, at)
        else:
            take(self, event, at)

    def _test_started(self, event: TestStarted, at: float) -> None:
        test = self._test(event.index, event.test_id)
        test.worker, test.started = event.worker, at
        self._show(event.index)

    def _test_outcome(self, event: TestOutcome, at: float) -> None:
        if event.index is None:
            if event.test_id in self._rerun_fixtures:
                self.run.fixture_reruns.setdefault(event.test_id, []).append(event)
            else:
                self.run.others.append((at, event))
            if event.kind is OutcomeKind.SKIP:
                self._skip(event)
            return
        test = self._test(event.index, event.test_id)
        test.worker = event.worker
        test.outcomes.append(event)
        status = status_of(event)
        if test.status is Status.NOT_RUN or WORST_FIRST[status] < WORST_FIRST[test.status]:
            test.status = status
        self._show(event.index)

    def _test_finished(self, event: TestFinished, at: float) -> None:
        if event.index not in self.run.tests:
            return
        test = self._current(self.run.tests[event.index])
        # What was lost with its worker has not been measured there.
        test.seconds = event.seconds or (at - test.started if test.started else 0.0)
        test.query_count = event.query_count
        test.stdout, test.stderr = event.stdout, event.stderr
        self._show(event.index)

    def _test_retried(self, event: TestRetried, _: float) -> None:
        """Note the try in the test's record, not in the run's notes."""
        test = self._test(event.index, event.test_id)
        limit = event.limit_seconds
        test.retries.append(f"It exceeded {limit:.3g} s, several times its usual duration.")
        test.outcomes.clear()
        test.status = Status.NOT_RUN

    def _rerun_started(self, event: RerunStarted, _: float) -> None:
        self._rerun_fixtures.update(event.fixtures)
        for index, test_id in zip(event.indices, event.tests, strict=True):
            test = self._test(index, test_id)
            attempts = self._attempts.setdefault(index, [replace(test)])
            attempts.append(TestRecord(index, test.place))

    def _reruns_ended(self, event: RerunsEnded, _: float) -> None:
        self._failed_fixtures.update(event.failed)
        names = {outcome.test_id for _, outcome in self.run.others}
        self.run.passed_again |= names.intersection(event.flaky)
        # The tests of a class may be divided among workers, and its fixture pass in only one.
        self.run.passed_again -= self._failed_fixtures

    def _show(self, index: int) -> None:
        """Let the record of a test show its attempts, if it has run again."""
        if index in self._attempts:
            self.run.tests[index].show(self._attempts[index])

    def _fixture_started(self, event: FixtureStarted, at: float) -> None:
        self._fixtures[event.worker] = FixtureRecord(event.fixture, event.worker, at)

    def _fixture_finished(self, event: FixtureFinished, _: float) -> None:
        fixture = self._fixtures.pop(event.worker, None)
        if fixture is not None:
            fixture.seconds, fixture.query_count = event.seconds, event.query_count
            self._worker(event.worker).fixtures.append(fixture)

    def _batch_finished(self, event: BatchFinished, at: float) -> None:
        if event.memory_bytes:
            self._worker(event.worker).process_bytes.append((at, event.memory_bytes))

    def _ignore(self, event: Event, at: float) -> None:
        """What nothing of a record is made from."""

    def _take_note(self, event: Event, at: float) -> None:
        """What happens seldom."""
        run = self.run
        match event:
            case TestsFound(tests=tests):
                run.tests = {index: TestRecord(index, place) for index, place in enumerate(tests)}
            case ServerMeasured(worker=worker, group=group, memory_bytes=count):
                self._worker(worker).server_bytes.setdefault(group, []).append((at, count))
            case MemoryMeasured(available_bytes=count):
                run.available.append((at, count))
            case RunStarted():
                run.started = event
            case PhaseStarted(phase=phase):
                run.phases.append((at, phase))
            case WorkersPlanned():
                run.planned = event
            case StressFinished():
                # It is no note: reports show it in their own ways.
                run.stress = event
                return
            case AffectedTestsChosen(not_affected=count):
                # Several jobs report the same number.
                run.not_affected = max(run.not_affected, count)
            case LeakDetected():
                run.leaks.append(event)
            case RunFinished():
                run.finished = event
            case TemplateFound() | TemplateBuildStarted() | TemplateBuilt() | TemplatePulled():
                run.templates.append(event)
            case ServerReady(worker=worker):
                self._worker(worker).servers.append((at, event))
            case WorkerStarted(worker=worker):
                self._worker(worker).started.append(at)
            case (
                WorkerLost(worker=worker)
                | WorkerRecycled(worker=worker)
                | WorkerRetired(worker=worker)
                | WorkerPaused(worker=worker)
                | WorkerResumed(worker=worker)
            ):
                self._worker(worker).notes += [(at, text) for _, text in lines_of(event)]
            case _:
                pass
        run.notes += [(at, level, text) for level, text in lines_of(event)]

    def _skip(self, outcome: TestOutcome) -> None:
        """A class or a module was skipped as a whole: no test of it starts."""
        name = owner_of(outcome.test_id)
        for index, shown in self.run.tests.items():
            test = self._current(shown)
            if test.status is Status.NOT_RUN and f"{test.class_name}.".startswith(f"{name}."):
                test.status = Status.SKIPPED
                test.outcomes.append(outcome)
                self._show(index)

    def _test(self, index: int, test_id: str) -> TestRecord:
        test = self.run.tests.get(index)
        if test is None:
            test = self.run.tests[index] = TestRecord(index, TestPlace(test_id=test_id))
        return self._current(test)

    def _current(self, test: TestRecord) -> TestRecord:
        """The attempt at a test that is reported on at the moment."""
        attempts = self._attempts.get(test.index)
        return test if attempts is None else attempts[-1]

    def _worker(self, number: int) -> WorkerRecord:
        return self.run.workers.setdefault(number, WorkerRecord(number))


_TAKEN: Final[Mapping[type, Callable[[Recording, Any, float], None]]] = {
    TestStarted: Recording._test_started,
    TestOutcome: Recording._test_outcome,
    TestFinished: Recording._test_finished,
    TestRetried: Recording._test_retried,
    RerunStarted: Recording._rerun_started,
    RerunsEnded: Recording._reruns_ended,
    TestDuration: Recording._ignore,
    FixtureStarted: Recording._fixture_started,
    FixtureFinished: Recording._fixture_finished,
    BatchFinished: Recording._batch_finished,
    TimePassed: Recording._ignore,
    StressProgressed: Recording._ignore,
}
"""What takes the events of which there are thousands: to try pattern after pattern would cost."""


def record_of(events: Iterable[tuple[float, Event]]) -> RunRecord:
    """The record of events that have happened, each with its time."""
    recording = Recording()
    for at, event in events:
        recording.handle(event, at)
    return recording.run
