"""What happened in a run, for the reports that show all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Final

from ctest_containers.events import (
    LeakDetected,
    OutcomeKind,
    Phase,
    Problem,
    RunFinished,
    RunStarted,
    ServerReady,
    StressFinished,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
    TemplatePulled,
    TestOutcome,
    TestPlace,
    WorkersPlanned,
)
from ctest_containers.names import class_of
from ctest_containers.report.sql.comparing import SqlComparison
from ctest_containers.report.sql.record import SqlRecord


class Status(str, Enum):
    """How a test ended, the worst of what was reported on it."""

    ERROR = "error"
    FAILED = "failed"
    UNEXPECTED_SUCCESS = "unexpected success"
    FLAKY = "flaky"
    SKIPPED = "skipped"
    EXPECTED_FAILURE = "expected failure"
    PASSED = "passed"
    NOT_RUN = "not run"

    @property
    def is_bad(self) -> bool:
        """Whether the run fails for it; for a flaky test, that is an option of the run."""
        return self in BAD

    @property
    def is_good(self) -> bool:
        """Whether the test ran to its end, as it should."""
        return self in GOOD


BAD: Final = frozenset({Status.ERROR, Status.FAILED, Status.UNEXPECTED_SUCCESS})

GOOD: Final = frozenset({Status.PASSED, Status.EXPECTED_FAILURE})

UNEXPECTED: Final = "It is marked as an expected failure, but passed."
"""What is said of an unexpected success, which has no exception."""

WORST_FIRST: Final = {status: rank for rank, status in enumerate(Status)}
"""The lower the number, the more a status matters for its test."""


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
    """One test of a run, or one attempt at it.

    What is recorded of a test that has run more than once is its first attempt that passed; if none
    did, its first one.

    Attributes:
        worker: The last one that it ran on; 0 for none.
        started: In seconds since the run began.
        retries: What each earlier try was given up for, in words.
        reruns: The other attempts at it that failed.
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
    reruns: list[TestRecord] = field(default_factory=list)

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
        return [
            (outcome, outcome.problem) for outcome in self.outcomes if outcome.problem is not None
        ]

    @property
    def failure(self) -> TestRecord | None:
        """Its first attempt that failed; None if none did."""
        if self.status is Status.FLAKY:
            return self.reruns[0]
        return self if self.status.is_bad else None

    def show(self, attempts: Sequence[TestRecord]) -> None:
        """Show what several attempts at the test have come to."""
        bad = [attempt for attempt in attempts if attempt.status.is_bad]
        good = [attempt for attempt in attempts if attempt.status.is_good]
        (shown, *_) = good or bad or attempts
        for name in _OF_ATTEMPT:
            setattr(self, name, getattr(shown, name))
        self.reruns = [attempt for attempt in bad if attempt is not shown]
        if good and bad:
            self.status = Status.FLAKY

    @property
    def reason(self) -> str:
        """Why it was skipped."""
        return next((outcome.reason for outcome in self.outcomes if outcome.reason), "")


_OF_ATTEMPT: Final = tuple(
    each.name for each in fields(TestRecord) if each.name not in {"index", "place", "reruns"}
)


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
        stress: The statistics of a stress run; None in other runs.
        tests: By their places in the run.
        others: What was reported on fixtures of classes and modules, as (when, what).
        fixture_reruns: What was reported on failed fixtures when they ran again, by their names.
        passed_again: The names of fixtures that failed and then passed.
        phases: What the run did from when on.
        templates: What became of each group's template: found, built, pulled, in their order.
        notes: The words for what happened around the tests: when, how bad, what.
        leaks: What classes left in databases.
        not_affected: How many tests did not run because no change can reach them.
        available: Memory that was available, over time.
        sql: What its tests sent to their databases; None if that was not recorded.
        sql_changes: What they send more than in an earlier run; None if it was not compared.
        ended: How many seconds it took; as far as it got where it has not ended.
    """

    started: RunStarted | None = None
    planned: WorkersPlanned | None = None
    finished: RunFinished | None = None
    stress: StressFinished | None = None
    ended: float = 0.0
    tests: dict[int, TestRecord] = field(default_factory=dict)
    others: list[tuple[float, TestOutcome]] = field(default_factory=list)
    fixture_reruns: dict[str, list[TestOutcome]] = field(default_factory=dict)
    passed_again: set[str] = field(default_factory=set)
    workers: dict[int, WorkerRecord] = field(default_factory=dict)
    phases: list[tuple[float, Phase]] = field(default_factory=list)
    templates: list[TemplateFound | TemplateBuildStarted | TemplateBuilt | TemplatePulled] = field(
        default_factory=list
    )
    notes: list[tuple[float, int, str]] = field(default_factory=list)
    leaks: list[LeakDetected] = field(default_factory=list)
    not_affected: int = 0
    available: list[tuple[float, int]] = field(default_factory=list)
    sql: SqlRecord | None = None
    sql_changes: SqlComparison | None = None

    @property
    def counts(self) -> dict[Status, int]:
        """How many tests ended in each way; statuses without any are there, too."""
        counts = dict.fromkeys(Status, 0)
        for test in self.tests.values():
            counts[test.status] += 1
        return counts

    @property
    def bad_fixtures(self) -> list[tuple[float, TestOutcome]]:
        """The fixtures that failed, which no test's status shows."""
        return [
            (at, outcome)
            for at, outcome in self.others
            if status_of(outcome).is_bad and outcome.test_id not in self.passed_again
        ]

    @property
    def flaky_fixtures(self) -> list[tuple[float, TestOutcome]]:
        """The fixtures that failed first and passed when they ran again."""
        return [
            (at, outcome)
            for at, outcome in self.others
            if status_of(outcome).is_bad and outcome.test_id in self.passed_again
        ]

    @property
    def flaky_tests(self) -> list[TestRecord]:
        """The tests that failed in one attempt and passed in another."""
        return [test for test in self.tests.values() if test.status is Status.FLAKY]

    @property
    def has_failed(self) -> bool:
        """Whether something went wrong, or the run ended before its tests."""
        if self.finished is None or self.finished.failure:
            return True
        if self.finished.flaky_fails and (self.flaky_tests or self.flaky_fixtures):
            return True
        bad = any(test.status.is_bad for test in self.tests.values())
        return bad or bool(self.bad_fixtures)

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
