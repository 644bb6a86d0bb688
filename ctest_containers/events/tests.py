"""What happens to tests, in the order in which unittest reports it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ctest_containers.events.workers import FromWorker


class OutcomeKind(str, Enum):
    """The ways in which unittest reports on a test, by the method that reports it."""

    SUCCESS = "addSuccess"
    FAILURE = "addFailure"
    ERROR = "addError"
    SKIP = "addSkip"
    EXPECTED_FAILURE = "addExpectedFailure"
    UNEXPECTED_SUCCESS = "addUnexpectedSuccess"
    SUBTEST = "addSubTest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPlace:
    """Where a test is written.

    Attributes:
        file: Relative to the folder of the run if it is in there; empty if it is not known.
        line: Where its definition begins; 0 if that is not known.
        expected_seconds: What it took in past runs; 0 if that is not known.
    """

    __test__ = False

    test_id: str
    file: str = ""
    line: int = 0
    expected_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An exception, described well enough to be reported without the exception itself.

    Attributes:
        type_name: The qualified name of its class.
        module: The module of its class.
        message: What `str()` gave for it.
        text: The whole report as unittest words it: traceback and captured output.
        is_failure: Whether it was an assertion of the test that failed.
        file: The file of the project's own code where it came about, as `TestPlace` names files.
        line: The line there; 0 where it is not known.
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
        limit_seconds: What the test may take; None for as long as it likes.
        idle_only: Whether that limit starts again with each progress.
        adaptive: Whether that limit comes from its history; then it has another try beyond it.
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
    """A test ran into its adaptive limit and starts again; what was reported on it is void."""

    __test__ = False

    worker: int
    index: int
    test_id: str
    limit_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSlow:
    """A test or a fixture has exceeded its default limit and is still making progress.

    Attributes:
        test_id: Its name; that of a fixture is in unittest's words.
        seconds: How long it has run by now.
    """

    __test__ = False

    worker: int
    test_id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureStarted(FromWorker):
    """A worker is about to run a fixture of a class or a module.

    Attributes:
        fixture: In unittest's words: `setUpClass (shop.Tests)`.
        limit_seconds: What it may take; None for as long as it likes.
        idle_only: Whether that limit starts again with each progress.
    """

    worker: int
    fixture: str
    limit_seconds: float | None = None
    idle_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureFinished(FromWorker):
    """A fixture of a class or a module has ended, one way or another."""

    worker: int
    seconds: float
    query_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome(FromWorker):
    """Something was reported on a test, or on the fixture of a class or module.

    Attributes:
        index: The test's place in the run; None for a fixture (`setUpClass (shop.Tests)`).
        subtest: How the subtest describes itself; None for the test as a whole.
        reason: Why it was skipped.
        queries: What --debug-sql logged since the last event of this worker.
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
    """How long a test ran, as Python 3.12 and later measure it."""

    __test__ = False

    worker: int
    index: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFinished(FromWorker):
    """Nothing more will be reported on a test.

    Attributes:
        queries: What --debug-sql logged since the last event of this worker.
        query_count: How many queries the test sent.
        stdout: What it printed, where --buffer keeps that.
        stderr: The same of its standard error.
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
    """A worker has run a batch to its end and is free.

    Attributes:
        seconds: What all of it took: tests, fixtures and what Django does between them.
        memory_bytes: What the worker's process then had of the memory for itself; 0 if not asked.
        stopped: Whether a signal stopped it, so that it may have left out tests.
    """

    worker: int
    batch: int
    seconds: float
    memory_bytes: int
    stopped: bool = False
