"""What the parent knows of a worker: of its number, of its process, and of the batch it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ctest_containers.errors import CtestError
from ctest_containers.events import OutcomeKind, TestStarted
from ctest_containers.model import Address, AnyLease, Lease, ServiceLease, Vendor
from ctest_containers.wire import UseResources
from ctest_containers.workers.batch_progress import Rows, Work
from ctest_containers.workers.overdue import Overdue
from ctest_containers.workers.process import WorkerProcess
from ctest_containers.workers.progress import Progress


@dataclass(slots=True)
class BatchState:
    """A batch that a worker's process runs.

    Attributes:
        flushing: The databases that the process flushes for the batch as soon as it has them.
        running: The test that the process is in; None between tests.
        begun: When that test began, by `time.monotonic`.
        concluded: Whether that test has reported its outcome, so that only its end is to come.
        last: The test that ended last, or an empty string.
        fixture: The fixture of a class or module that the process is in, or an empty string.
        fixtures: What was reported on fixtures.
        deadline: When the test or the fixture has to have ended by itself.
        is_unlimited: Whether the test or the fixture was given no limit at all.
        progress: What is watched in place of that, while only idle time counts.
        batch_deadline: When the batch has to have ended.
    """

    work: Work
    flushing: frozenset[str] = frozenset()
    running: TestStarted | None = None
    begun: float = 0.0
    concluded: bool = False
    last: str = ""
    fixture: str = ""
    fixtures: set[tuple[str, OutcomeKind]] = field(default_factory=set)
    deadline: Overdue | None = None
    is_unlimited: bool = False
    progress: Progress | None = None
    batch_deadline: Overdue | None = None


@dataclass(slots=True)
class ProcessState:
    """A worker's process.

    Attributes:
        started: When it was started, by `time.monotonic`.
        batch: The batch that it runs; None if it has nothing to do.
        ready: Whether it has the project loaded.
        leases: The databases that it has been given, by alias.
        services: The names of the services that it has been given.
        wanted: An alias whose database it waits for, or an empty string.
        database_lost: Whether it ends because its server has gone.
        failure: What it reported of its own end.
        overdue: Why it was killed, and where it was then; an empty string if it was not.
        memory_bytes: The memory that it last reported.
    """

    process: WorkerProcess
    started: float = 0.0
    batch: BatchState | None = None
    ready: bool = False
    leases: dict[str, Lease] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    wanted: str = ""
    database_lost: bool = False
    failure: str = ""
    overdue: str = ""
    memory_bytes: int = 0

    def servers(self) -> Iterator[tuple[Vendor, Address]]:
        """The servers of the databases that it has been given."""
        addresses = {lease.address: lease.vendor for lease in self.leases.values()}
        for address, vendor in addresses.items():
            if address is not None:
                yield vendor, address


@dataclass(slots=True)
class Slot:
    """A worker's number, and the process that has it at the moment.

    Attributes:
        state: The process; None if there is none at the moment.
        rows: What tests may have done to the rows on the worker's servers.
        refused: How many of its servers have not started, one after another.
        retired: Why this worker gets no more work; None while it does.
        paused: Whether the worker was given up until there is more memory.
    """

    number: int
    state: ProcessState | None = None
    rows: Rows = field(default_factory=Rows)
    refused: int = 0
    retired: CtestError | None = None
    paused: bool = False

    @property
    def is_available(self) -> bool:
        """Whether it may get work, now or when it has ended what it has."""
        return self.retired is None and not self.paused

    @property
    def batch(self) -> BatchState | None:
        """The batch that its process runs."""
        return None if self.state is None else self.state.batch

    @property
    def work(self) -> Work | None:
        """What it runs."""
        return None if self.batch is None else self.batch.work

    def forget_process(self, *, servers: bool) -> None:
        """Let the next process have this number.

        Args:
            servers: Whether it gets servers of its own, too.
        """
        self.state = None
        if servers:
            self.rows = Rows()


def lend(state: ProcessState, leases: Sequence[AnyLease], answers: str = "") -> UseResources:
    """Note what a process is given, and return the command that gives it what it lacks.

    Args:
        answers: See `UseResources`.
    """
    databases = {
        lease.alias: lease
        for lease in leases
        if isinstance(lease, Lease) and lease.alias not in state.leases
    }
    services = {
        lease.name: lease
        for lease in leases
        if isinstance(lease, ServiceLease) and lease.name not in state.services
    }
    state.leases |= databases
    state.services |= services.keys()
    return UseResources(
        databases=tuple(databases.values()), services=tuple(services.values()), answers=answers
    )
