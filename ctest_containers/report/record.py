"""What happened in a run, put together from its events for whoever renders a page or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from ctest_containers.events import (
    BatchFinished,
    Event,
    FixtureFinished,
    FixtureStarted,
    MemoryMeasured,
    OutcomeKind,
    Phase,
    PhaseStarted,
    Problem,
    RunFinished,
    RunStarted,
    ServerMeasured,
    ServerReady,
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
from ctest_containers.names import class_of, owner_of
from ctest_containers.report.messages import words


class Status(str, Enum):
    """How a test ended, the worst of what was reported on it."""

    ERROR = "error"
    FAILED = "failed"
    UNEXPECTED_SUCCESS = "unexpected success"
    SKIPPED = "skipped"
    EXPECTED_FAILURE = "expected failure"
    PASSED = "passed"
    NOT_RUN = "not run"

    @property
    def is_bad(self) -> bool:
        """Whether the run fails for it."""
        return self in BAD


BAD: Final = frozenset({Status.ERROR, Status.FAILED, Status.UNEXPECTED_SUCCESS})

UNEXPECTED: Final = "It is expected to fail, and does not."
"""What is said of an unexpected success, which has no exception."""

_WORST_FIRST: Final = {status: place for place, status in enumerate(Status)}


def status_of(outcome: TestOutcome) -> Status:
    """What one report says of its test."""
    match outcome.kind:
        case OutcomeKind.SUCCESS:
            return Status.PASSED
        case OutcomeKind.SKIP:
            # A test goes on after a subtest that was skipped.
            return Status.SKIPPED if outcome.subtest is None else Status.PASSED
        case OutcomeKind.EXPECTED_FAILURE:
            return Status.EXPECTED_FAILURE
        case OutcomeKind.UNEXPECTED_SUCCESS:
            return Status.UNEXPECTED_SUCCESS
        case OutcomeKind.FAILURE:
            return Status.FAILED
        case OutcomeKind.ERROR:
            return Status.ERROR
        case OutcomeKind.SUBTEST:
            failed = outcome.problem is not None and outcome.problem.is_failure
            return Status.FAILED if failed else Status.ERROR


@dataclass(slots=True)
class TestRecord:
    """One test of a run.

    Attributes:
        worker: The last one that it ran on; 0 for none.
        started: In seconds since the run began.
        retries: What each earlier try was given up for, in words.
    """

    __test__ = False

    index: int
    place: TestPlace
    status: Status = Status.NOT_RUN
    worker: int = 0
    started: float = 0.0
    seconds: float = 0.0
    query_count: int = 0
    stdout: str = ""
    stderr: str = ""
    outcomes: list[TestOutcome] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)

    @property
    def class_name(self) -> str:
        """The class in its id."""
        return class_of(self.place.test_id)

    @property
    def name(self) -> str:
        """Its method."""
        return self.place.test_id.rpartition(".")[2]

    @property
    def problems(self) -> list[tuple[TestOutcome, Problem]]:
        """What went wrong, and what was expected to."""
        return [(one, one.problem) for one in self.outcomes if one.problem is not None]

    @property
    def reason(self) -> str:
        """Why it was skipped."""
        return next((one.reason for one in self.outcomes if one.reason), "")


@dataclass(slots=True)
class FixtureRecord:
    """A fixture of a class or a module, in unittest's words: `setUpClass (shop.CartTests)`."""

    name: str
    worker: int
    started: float
    seconds: float = 0.0
    query_count: int = 0


@dataclass(slots=True)
class WorkerRecord:
    """A worker, over all processes and servers that it had.

    Attributes:
        notes: What happened to it, as (when, in words).
        process_bytes: The memory of its process over time.
        server_bytes: The same of its servers, by their group.
    """

    number: int
    started: list[float] = field(default_factory=list)
    servers: list[tuple[float, ServerReady]] = field(default_factory=list)
    fixtures: list[FixtureRecord] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)
    process_bytes: list[tuple[float, int]] = field(default_factory=list)
    server_bytes: dict[str, list[tuple[float, int]]] = field(default_factory=dict)


@dataclass(slots=True)
class RunRecord:
    """A run.

    Attributes:
        started: None in a record that has no beginning.
        tests: By their places in the run.
        others: What was reported on fixtures of classes and modules, as (when, what).
        phases: What the run did from when on.
        templates: What became of each group's template: found, built, pulled, in their order.
        notes: The words for what happened around the tests: when, how bad, what.
        available: Memory that was available, over time.
        ended: How many seconds it took; as far as it got where it has not ended.
    """

    started: RunStarted | None = None
    planned: WorkersPlanned | None = None
    finished: RunFinished | None = None
    ended: float = 0.0
    tests: dict[int, TestRecord] = field(default_factory=dict)
    others: list[tuple[float, TestOutcome]] = field(default_factory=list)
    workers: dict[int, WorkerRecord] = field(default_factory=dict)
    phases: list[tuple[float, Phase]] = field(default_factory=list)
    templates: list[TemplateFound | TemplateBuildStarted | TemplateBuilt | TemplatePulled] = field(
        default_factory=list
    )
    notes: list[tuple[float, int, str]] = field(default_factory=list)
    available: list[tuple[float, int]] = field(default_factory=list)

    @property
    def counts(self) -> dict[Status, int]:
        """How many tests ended in each way; statuses without any are there, too."""
        found = dict.fromkeys(Status, 0)
        for test in self.tests.values():
            found[test.status] += 1
        return found

    @property
    def bad_fixtures(self) -> list[tuple[float, TestOutcome]]:
        """The fixtures that went wrong, which no test's status tells."""
        return [(at, one) for at, one in self.others if status_of(one).is_bad]

    @property
    def has_failed(self) -> bool:
        """Whether something went wrong, or the run ended before its tests."""
        ended_early = self.finished is None or bool(self.finished.failure)
        bad = any(test.status.is_bad for test in self.tests.values())
        return ended_early or bad or bool(self.bad_fixtures)

    @property
    def phase_seconds(self) -> dict[Phase, float]:
        """How long each phase took, all its times together, in the order in which they began."""
        seconds: dict[Phase, float] = {}
        if self.started is not None:
            seconds[Phase.START_UP] = self.started.startup_seconds
        ends = [*(at for at, _ in self.phases), self.ended][1:]
        for (at, phase), end in zip(self.phases, ends, strict=True):
            seconds[phase] = seconds.get(phase, 0.0) + end - at
        return seconds

    def slowest(self, count: int) -> list[TestRecord]:
        """The tests that took longest."""
        ran = [test for test in self.tests.values() if test.seconds]
        return sorted(ran, key=lambda test: -test.seconds)[:count]


class Recording:
    """Puts a record together; a `Report` by itself, and a part of others."""

    def __init__(self) -> None:
        self.run = RunRecord()
        self._fixtures: dict[int, FixtureRecord] = {}

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

    def _test_outcome(self, event: TestOutcome, at: float) -> None:
        if event.index is None:
            self.run.others.append((at, event))
            if event.kind is OutcomeKind.SKIP:
                self._skip(event)
            return
        test = self._test(event.index, event.test_id)
        test.worker = event.worker
        test.outcomes.append(event)
        found = status_of(event)
        if test.status is Status.NOT_RUN or _WORST_FIRST[found] < _WORST_FIRST[test.status]:
            test.status = found

    def _test_finished(self, event: TestFinished, at: float) -> None:
        test = self.run.tests.get(event.index)
        if test is None:
            return
        # What was lost with its worker has not been measured there.
        test.seconds = event.seconds or (at - test.started if test.started else 0.0)
        test.query_count = event.query_count
        test.stdout, test.stderr = event.stdout, event.stderr

    def _test_retried(self, event: TestRetried, _: float) -> None:
        """What the test's record tells, and no note of the run."""
        test = self._test(event.index, event.test_id)
        limit = event.limit_seconds
        test.retries.append(f"It took longer than {limit:.3g} s, which it never does.")
        test.outcomes.clear()
        test.status = Status.NOT_RUN

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
                told = [(at, text) for _, text in words(event)]
                self._worker(worker).notes += told
            case _:
                pass
        run.notes += [(at, level, text) for level, text in words(event)]

    def _skip(self, outcome: TestOutcome) -> None:
        """A class or a module was skipped as a whole: no test of it starts."""
        name = owner_of(outcome.test_id)
        for test in self.run.tests.values():
            if test.status is Status.NOT_RUN and f"{test.class_name}.".startswith(f"{name}."):
                test.status = Status.SKIPPED
                test.outcomes.append(outcome)

    def _test(self, index: int, test_id: str) -> TestRecord:
        found = self.run.tests.get(index)
        if found is None:
            found = self.run.tests[index] = TestRecord(index, TestPlace(test_id=test_id))
        return found

    def _worker(self, number: int) -> WorkerRecord:
        return self.run.workers.setdefault(number, WorkerRecord(number))


_TAKEN: Final[Mapping[type, Callable[[Recording, Any, float], None]]] = {
    TestStarted: Recording._test_started,
    TestOutcome: Recording._test_outcome,
    TestFinished: Recording._test_finished,
    TestRetried: Recording._test_retried,
    TestDuration: Recording._ignore,
    FixtureStarted: Recording._fixture_started,
    FixtureFinished: Recording._fixture_finished,
    BatchFinished: Recording._batch_finished,
    TimePassed: Recording._ignore,
}
"""What takes the events of which there are thousands: to try pattern after pattern would cost."""


def record_of(events: Iterable[tuple[float, Event]]) -> RunRecord:
    """The record of events that have happened, each with its time."""
    recording = Recording()
    for at, event in events:
        recording.handle(event, at)
    return recording.run
