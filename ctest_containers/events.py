"""What can happen in a run: one closed set of facts that workers send and reports listen to.

The events of a test keep the order in which unittest reported them, so that replaying them into
another `unittest.TestResult` leaves that result as a serial run would have left it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FromWorker:
    """What a worker sends; `line` is the text it came in, so that none is made anew for the log.

    It is no field: events are equal whatever they came in, and those made in the parent have none.
    """

    __slots__ = ("line",)

    line: str


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
class RunStarted:
    """A run has begun. Reports are told of every event how many seconds later it came.

    Attributes:
        run: Tells runs apart; in the names of the run's containers, too.
        started_at: The date and time in UTC, as ISO 8601 has them.
        startup_seconds: How long the process had existed by then.
        folder: Where it runs; files are named relative to it.
        arguments: The command line without its secrets.
        branch: What Git has checked out there; empty if that is not known.
    """

    run: str
    project: str
    started_at: str
    startup_seconds: float
    folder: str
    arguments: tuple[str, ...]
    branch: str
    toolkit: str
    python: str
    django: str
    platform: str


class Phase(str, Enum):
    """What a run does, one after another; it may come back to what it did before."""

    START_UP = "start-up"
    DISCOVERY = "discovery"
    FINGERPRINT = "fingerprint"
    TEMPLATE = "template"
    CONTAINERS = "containers"
    TESTS = "tests"
    CLEAN_UP = "clean-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """What the run did before has ended, and this begins."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsFound:
    """The tests of the run, by their places in it."""

    __test__ = False

    tests: tuple[TestPlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardChosen:
    """The run is one of several jobs that share the tests; from now on it has its part of them.

    Attributes:
        number: Which of the jobs it is, counted from 1.
        of: How many there are.
        places: The places of its tests among all, in the order in which it has them.
        total: How many tests all jobs have together.
        seconds: What is expected of its tests; 0 where nothing has been measured.
        total_seconds: The same of all tests.
        tests: A digest of the names of all tests, in their order.
        timings: A digest of what all tests are expected to take, and of how they are split.
    """

    number: int
    of: int
    places: tuple[int, ...]
    total: int
    seconds: float
    total_seconds: float
    tests: str
    timings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """Everything has ended and is removed; nothing more happens.

    Attributes:
        not_run: How many tests were not run, for the run has ended before its tests.
        failure: Why that was so; empty if it was not.
    """

    not_run: int
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """Nothing has happened for a moment; only what moves on a terminal takes notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryMeasured:
    """How much memory was available to the run, in bytes."""

    available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMeasured:
    """How much memory a worker's server took, in bytes."""

    worker: int
    group: str
    memory_bytes: int


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
        stopped: Whether it was told to stop by a signal, and may have left tests out.
    """

    worker: int
    batch: int
    seconds: float
    memory_bytes: int
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReady(FromWorker):
    """A worker has the project loaded; what happens from now on is the tests' doing."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseWanted(FromWorker):
    """A test uses a database that it does not declare, and waits for it."""

    worker: int
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFlushed(FromWorker):
    """A test of a worker's batch has flushed a database; sent once per batch and database.

    Attributes:
        bare: Whether without sending `post_migrate`.
    """

    worker: int
    alias: str
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost(FromWorker):
    """A test failed and its server closed its connection; the worker waits for what is known."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetLeftToDjango(FromWorker):
    """A worker resets a database after tests as Django does, or in part, for it must.

    Attributes:
        reason: Why, with the table or the receiver by name.
        comparing: Whether both ways were to be compared, and are not.
    """

    worker: int
    alias: str
    reason: str
    comparing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailed(FromWorker):
    """A worker met an error outside of any test and ends.

    Attributes:
        database_lost: Whether its server has gone, rather than itself being at fault.
        ends_run: Whether no other process in its place would fare better.
    """

    worker: int
    text: str
    database_lost: bool = False
    ends_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted:
    """A worker process exists."""

    worker: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """A worker process ended before it was told to.

    Attributes:
        cause: How it ended: its signal or its exit code.
        test_id: The test it was in, or an empty string.
    """

    worker: int
    cause: str
    test_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRetired:
    """A worker gets no more tests, for it cannot have databases; others go on."""

    worker: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPaused:
    """A worker is given up for a while, or does not start yet, for memory is short."""

    worker: int
    available_bytes: int
    floor_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerResumed:
    """There is memory enough again for a worker that was given up."""

    worker: int
    available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecycled:
    """A worker goes on in a new process, for the old one had grown too large."""

    worker: int
    memory_bytes: int
    limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReady:
    """A worker's server answers.

    Attributes:
        group: The label of the databases that it holds.
        version: What the server says it is.
        seconds: From asking for it to its first answered query.
    """

    worker: int
    group: str
    container: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFound:
    """The template of these databases exists; nothing is migrated."""

    group: str
    aliases: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDated:
    """A test has failed on a template whose build asked for a clock or random numbers.

    Attributes:
        clocks: What it asked for.
        seconds: How long ago.
    """

    group: str
    fingerprint: str
    clocks: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateAwaited:
    """Another run builds the same template; this one waits for it."""

    group: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuildStarted:
    """There is no such template yet: it is migrated now.

    Attributes:
        incremental: Whether migrations are added to an earlier template.
        reason: What has changed since the nearest earlier template.
    """

    group: str
    aliases: tuple[str, ...]
    fingerprint: str
    incremental: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuildSlowed:
    """A template is migrated in Django's own way, which takes longer.

    Attributes:
        reason: Why, as the end of a sentence.
    """

    group: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationsProgressed:
    """A template that takes long to build has come to another migration.

    Attributes:
        database: The alias of the database that is migrated.
        migration: Such as `shop.0007_x`.
        number: Its place among those that the database is to have now, from 1.
        total: How many these are.
        seconds_left: How long the rest took in an earlier build; None if that is not known.
    """

    group: str
    database: str
    migration: str
    number: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuilt:
    """A template was migrated and stored."""

    group: str
    fingerprint: str
    seconds: float
    incremental: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRefused:
    """A template is not what it says of itself; it is not used, and not found any more."""

    group: str
    fingerprint: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePulled:
    """A registry had the template.

    Attributes:
        layers: The number of its layers that travelled.
        present: The number of those that were here already.
    """

    group: str
    fingerprint: str
    registry: str
    layers: int
    present: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePushed:
    """A template was sent to a registry.

    Attributes:
        layers: The number of its layers that travelled.
        present: The number of those that were there already.
    """

    group: str
    fingerprint: str
    registry: str
    layers: int
    present: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFailed:
    """A registry did not do its part; the run goes on without it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesPruned:
    """Templates that were not used for long, or were too many, have been removed.

    Attributes:
        templates: The name of each, and why it was given up.
    """

    templates: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersPlanned:
    """How many workers the run has, and what decided it.

    Attributes:
        limits: All that was considered: how many workers it allows, and why.
        expected_seconds: How long the tests are expected to take; 0 if that is not known.
    """

    workers: int
    reason: str
    limits: tuple[tuple[int, str], ...]
    warnings: tuple[str, ...]
    expected_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeJoined:
    """A node of the cluster is ready to run tests.

    Attributes:
        node: Its address in the cluster.
        host: What the machine calls itself.
        workers: How many tests it runs at once.
    """

    node: str
    host: str
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLost:
    """A node of the cluster is gone or cannot go on; others run what it had not ended."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSilent:
    """Nothing has been heard of a node for a while; idle nodes may run copies of what it has."""

    node: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePrinted:
    """What the tests on a node of the cluster have printed, in whole lines."""

    node: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsInverted:
    """A time limit is not below the one above it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingsLost:
    """The timings of past runs could not be read, or those of this one not kept."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLost:
    """A report could not be written; the run goes on without it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimedOut:
    """All tests together took too long; none begins any more, and what runs is ended.

    Attributes:
        idle_only: Whether the limit counts from the end of the last test.
    """

    limit_seconds: float
    idle_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping:
    """No further test begins; some are still running."""

    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImageBuildStarted:
    """The image that templates start from is not on the engine yet."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverUnfit:
    """A driver is known to get things wrong with the server that it is used with."""

    alias: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersLeft:
    """The engine did not let the run remove what it had started."""

    containers: tuple[str, ...]
    reason: str


WorkerEvent = (
    TestStarted
    | TestRetried
    | FixtureStarted
    | FixtureFinished
    | TestOutcome
    | TestDuration
    | TestFinished
    | BatchFinished
    | WorkerReady
    | DatabaseWanted
    | DatabaseFlushed
    | ConnectionLost
    | ResetLeftToDjango
    | WorkerFailed
)
"""What a worker process sends."""

Event = (
    WorkerEvent
    | TestSlow
    | WorkerStarted
    | WorkerLost
    | WorkerRetired
    | WorkerPaused
    | WorkerResumed
    | WorkerRecycled
    | ServerReady
    | TemplateFound
    | TemplateDated
    | TemplateAwaited
    | TemplateBuildStarted
    | TemplateBuildSlowed
    | MigrationsProgressed
    | TemplateBuilt
    | TemplateRefused
    | TemplatePulled
    | TemplatePushed
    | TemplatesPruned
    | RegistryFailed
    | WorkersPlanned
    | NodeJoined
    | NodeLost
    | NodeSilent
    | NodePrinted
    | RunStopping
    | RunTimedOut
    | LimitsInverted
    | ContainersLeft
    | TimingsLost
    | DriverUnfit
    | BaseImageBuildStarted
    | RunStarted
    | PhaseStarted
    | ShardChosen
    | TestsFound
    | TimePassed
    | MemoryMeasured
    | ReportLost
    | ServerMeasured
    | RunFinished
)
"""Everything that can happen in a run."""
