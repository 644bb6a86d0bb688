"""Events of tests, in the order in which unittest reports them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ctest_containers.events.workers import FromWorker


class OutcomeKind(str, Enum):
    """The outcomes of tests, named after unittest's methods that report them."""

    SUCCESS = "addSuccess"
    FAILURE = "addFailure"
    ERROR = "addError"
    SKIP = "addSkip"
    EXPECTED_FAILURE = "addExpectedFailure"
    UNEXPECTED_SUCCESS = "addUnexpectedSuccess"
    SUBTEST = "addSubTest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPlace:
    """Where a test is defined.

    Attributes:
        file: Its file, relative to the folder of the run if it is in there; empty if unknown.
        line: The line of its definition; 0 if unknown.
        expected_seconds: How long it took in past runs; 0 if unknown.
    """

    __test__ = False

    test_id: str
    file: str = ""
    line: int = 0
    expected_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A description of an exception, for reports in other processes.

    Attributes:
        type_name: The qualified name of its class.
        module: The module of its class.
        message: The exception as `str()` shows it.
        text: unittest's full report: traceback and captured output.
        is_failure: Whether an assertion of the test failed.
        file: The file in the project's own code that caused it, named as in `TestPlace`.
        line: The line in this file; 0 if unknown.
    """

    type_name: str
    module: str
    message: str
    text: str
    is_failure: bool
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestStarted(FromWorker):
    """A worker is about to run a test.

    Attributes:
        index: The test's index in the run.
        limit_seconds: How long the test may take; None for no limit.
        idle_only: Whether the limit restarts whenever the test makes progress.
        adaptive: Whether the limit comes from past runs; if exceeded, the test is tried again.
    """

    __test__ = False

    worker: int
    index: int
    test_id: str
    limit_seconds: float | None = None
    idle_only: bool = False
    adaptive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRetried(FromWorker):
    """A test exceeded its adaptive limit and is tried again; earlier outcomes of it are void."""

    __test__ = False

    worker: int
    index: int
    test_id: str
    limit_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunStarted:
    """A worker is about to run failed tests again, in a new process on new servers.

    Attributes:
        attempt: The number of the attempt, counted from 1; the first one was not a rerun. All
            events on these tests belong to it, up to the next of these events.
        attempts: How many attempts there are at most.
        indices: The indices of the tests.
        tests: Their ids.
        fixtures: The fixtures of their class or module that failed, as unittest names them.
    """

    worker: int
    attempt: int
    attempts: int
    indices: tuple[int, ...]
    tests: tuple[str, ...]
    fixtures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunsEnded:
    """Failed tests, or tests whose fixtures failed, are not run again.

    Attributes:
        attempts: How many attempts there were.
        indices: The indices of the tests.
        flaky: The tests and fixtures that failed in one attempt and passed in another.
        failed: The tests and fixtures that failed and never passed.
    """

    attempts: int
    indices: tuple[int, ...]
    flaky: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSlow:
    """A test or a fixture has exceeded its default limit and is still making progress.

    Attributes:
        test_id: The id of the test, or the fixture as unittest names it.
        seconds: How long it has run so far.
    """

    __test__ = False

    worker: int
    test_id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureStarted(FromWorker):
    """A worker is about to run a fixture of a class or a module.

    Attributes:
        fixture: The fixture as unittest names it: `setUpClass (shop.Tests)`.
        limit_seconds: How long it may take; None for no limit.
        idle_only: Whether the limit restarts whenever the fixture makes progress.
    """

    worker: int
    fixture: str
    limit_seconds: float | None = None
    idle_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureFinished(FromWorker):
    """A fixture of a class or a module has ended, whatever its outcome.

    Attributes:
        query_count: How many queries the fixture sent.
    """

    worker: int
    seconds: float
    query_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome(FromWorker):
    """unittest has reported an outcome of a test, or of a fixture of a class or module.

    Attributes:
        index: The test's index in the run; None for a fixture.
        test_id: The id of the test, or the fixture as unittest names it.
        subtest: The description of a subtest; None for the test as a whole.
        reason: Why it was skipped.
        queries: The queries that --debug-sql logged since this worker's last event.
    """

    __test__ = False

    worker: int
    index: int | None
    test_id: str
    kind: OutcomeKind
    subtest: str | None = None
    reason: str = ""
    problem: Problem | None = None
    queries: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDuration(FromWorker):
    """The duration of a test as unittest reports it, in Python 3.12 and later."""

    __test__ = False

    worker: int
    index: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFinished(FromWorker):
    """Nothing more will be reported on a test.

    Attributes:
        queries: The queries that --debug-sql logged since this worker's last event.
        query_count: How many queries the test sent.
        stdout: Its standard output, if --buffer captures it.
        stderr: Its standard error, if --buffer captures it.
    """

    __test__ = False

    worker: int
    index: int
    seconds: float
    queries: str = ""
    query_count: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFinished(FromWorker):
    """A worker has finished a batch and is free.

    Attributes:
        batch: The batch's number.
        seconds: How long it took, with fixtures and Django's work between tests.
        memory_bytes: The private memory of the worker's process then; 0 if not measured.
        stopped: Whether a signal stopped it, so that some tests may not have run.
    """

    worker: int
    batch: int
    seconds: float
    memory_bytes: int
    stopped: bool = False
