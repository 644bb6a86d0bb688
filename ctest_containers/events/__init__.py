"""What can happen in a run: a closed set of events that workers send and reports handle.

The events of a test keep the order in which unittest reported them, so that replaying them into
another `unittest.TestResult` leaves that result as a serial run would.
"""

from __future__ import annotations

from ctest_containers.events.failures import (
    FailureExported,
    FailureKept,
    FailureNotKept,
    FailuresKept,
)
from ctest_containers.events.leaks import LeakDetected, LeaksUnseen, TableLeak
from ctest_containers.events.nodes import (
    NodeJoined,
    NodeLost,
    NodePrinted,
    NodeSilent,
)
from ctest_containers.events.run import (
    AffectedTestsChosen,
    FailedTestsChosen,
    LimitsInverted,
    Phase,
    PhaseStarted,
    ReportLost,
    RunFinished,
    RunStarted,
    RunStopping,
    RunTimedOut,
    ShardChosen,
    TestsFound,
    TimePassed,
    TimingsLost,
    WorkersPlanned,
)
from ctest_containers.events.servers import (
    ContainersLeft,
    DriverUnfit,
    MemoryMeasured,
    ServerMeasured,
    ServerReady,
)
from ctest_containers.events.stress import (
    StressDurations,
    StressedTest,
    StressFailure,
    StressFinished,
    StressProgressed,
)
from ctest_containers.events.templates import (
    BaseImageBuildStarted,
    MigrationsProgressed,
    RegistryFailed,
    TemplateAwaited,
    TemplateBuildSlowed,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateDated,
    TemplateFound,
    TemplatePulled,
    TemplatePushed,
    TemplateRefused,
    TemplatesPruned,
    TemplateTransfer,
)
from ctest_containers.events.tests import (
    BatchFinished,
    FixtureFinished,
    FixtureStarted,
    OutcomeKind,
    Problem,
    RerunsEnded,
    RerunStarted,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestPlace,
    TestRetried,
    TestSlow,
    TestStarted,
)
from ctest_containers.events.usage import UsageRecorded, UsageUnrecorded
from ctest_containers.events.workers import (
    ConnectionLost,
    DatabaseFlushed,
    DatabaseWanted,
    DebuggerClosed,
    DebuggerOpened,
    FromWorker,
    ResetLeftToDjango,
    WorkerFailed,
    WorkerLost,
    WorkerPaused,
    WorkerReady,
    WorkerRecycled,
    WorkerResumed,
    WorkerRetired,
    WorkerStarted,
)

__all__ = [
    "AffectedTestsChosen",
    "BaseImageBuildStarted",
    "BatchFinished",
    "ConnectionLost",
    "ContainersLeft",
    "DatabaseFlushed",
    "DatabaseWanted",
    "DebuggerClosed",
    "DebuggerOpened",
    "DriverUnfit",
    "Event",
    "FailedTestsChosen",
    "FailureExported",
    "FailureKept",
    "FailureNotKept",
    "FailuresKept",
    "FixtureFinished",
    "FixtureStarted",
    "FromWorker",
    "LeakDetected",
    "LeaksUnseen",
    "LimitsInverted",
    "MemoryMeasured",
    "MigrationsProgressed",
    "NodeJoined",
    "NodeLost",
    "NodePrinted",
    "NodeSilent",
    "OutcomeKind",
    "Phase",
    "PhaseStarted",
    "Problem",
    "RegistryFailed",
    "ReportLost",
    "RerunStarted",
    "RerunsEnded",
    "ResetLeftToDjango",
    "RunFinished",
    "RunStarted",
    "RunStopping",
    "RunTimedOut",
    "ServerMeasured",
    "ServerReady",
    "ShardChosen",
    "StressDurations",
    "StressFailure",
    "StressFinished",
    "StressProgressed",
    "StressedTest",
    "TableLeak",
    "TemplateAwaited",
    "TemplateBuildSlowed",
    "TemplateBuildStarted",
    "TemplateBuilt",
    "TemplateDated",
    "TemplateFound",
    "TemplatePulled",
    "TemplatePushed",
    "TemplateRefused",
    "TemplateTransfer",
    "TemplatesPruned",
    "TestDuration",
    "TestFinished",
    "TestOutcome",
    "TestPlace",
    "TestRetried",
    "TestSlow",
    "TestStarted",
    "TestsFound",
    "TimePassed",
    "TimingsLost",
    "UsageRecorded",
    "UsageUnrecorded",
    "WorkerEvent",
    "WorkerFailed",
    "WorkerLost",
    "WorkerPaused",
    "WorkerReady",
    "WorkerRecycled",
    "WorkerResumed",
    "WorkerRetired",
    "WorkerStarted",
    "WorkersPlanned",
]

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
    | DatabaseFlushed
    | ResetLeftToDjango
    | LeakDetected
    | LeaksUnseen
    | UsageRecorded
    | UsageUnrecorded
    | WorkerFailed
)
"""What a worker process sends."""

Event = (
    WorkerEvent
    | DatabaseWanted
    | ConnectionLost
    | TestSlow
    | FailureExported
    | FailureKept
    | FailureNotKept
    | FailuresKept
    | RerunStarted
    | RerunsEnded
    | WorkerStarted
    | DebuggerOpened
    | DebuggerClosed
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
    | FailedTestsChosen
    | AffectedTestsChosen
    | TestsFound
    | TimePassed
    | MemoryMeasured
    | ReportLost
    | ServerMeasured
    | StressProgressed
    | StressFinished
    | RunFinished
)
"""Everything that can happen in a run."""
