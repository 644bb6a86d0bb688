"""What the parent knows about a worker, its process, and the batch that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ctest_containers.errors import CtestError
from ctest_containers.events import OutcomeKind, TestStarted
from ctest_containers.model import Address, AnyLease, Lease, ServiceLease, Vendor
from ctest_containers.wire import KeepRequest, RunBatch, UseResources
from ctest_containers.workers.batch_progress import Rows, Work
from ctest_containers.workers.overdue import Overdue
from ctest_containers.workers.process import WorkerProcess
from ctest_containers.workers.progress import Progress


@dataclass(slots=True)
class BatchState:
    """A batch that a worker's process runs.

    Attributes:
        flushing: The databases that the process flushes for the batch as soon as it has them.
        running: The running test; None between tests.
        begun: When that test began, by `time.monotonic`.
        concluded: Whether that test has reported its outcome, so that only its end is missing.
        last: The test that ended last; empty if none has.
        fixture: The running fixture of a class or module; empty if none runs.
        fixtures: What was reported on fixtures.
        deadline: The deadline of the running test or fixture.
        is_unlimited: Whether the running test or fixture has explicitly no limit.
        progress: The progress of the running test or fixture, if only idle time counts.
        batch_deadline: The deadline of the batch.
        paused_since: Since when its time limits are paused, by `time.monotonic`; None if they run.
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
    paused_since: float | None = None


@dataclass(slots=True)
class ProcessState:
    """A worker's process.

    Attributes:
        started: When it was started, by `time.monotonic`.
        batch: The batch that it runs; None if it is idle.
        ready: Whether it has loaded the project.
        leases: The databases that it has been lent, by alias.
        services: The names of the services that it has been lent.
        requested_alias: The alias whose database it waits for; empty if it does not wait.
        keep_request: The failure whose databases it waits to be kept; None if it does not wait.
        database_lost: Whether it ends because its server is gone.
        failure: What it reported when it failed.
        overdue: Why it was killed, with its stacks; empty if it was not.
        memory_bytes: The memory that it last reported.
    """

    process: WorkerProcess
    started: float = 0.0
    batch: BatchState | None = None
    ready: bool = False
    leases: dict[str, Lease] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    requested_alias: str = ""
    keep_request: KeepRequest | None = None
    database_lost: bool = False
    failure: str = ""
    overdue: str = ""
    memory_bytes: int = 0

    def servers(self) -> Iterator[tuple[Vendor, Address]]:
        """Yield the servers of the databases that it has been lent."""
        addresses = {lease.address: lease.vendor for lease in self.leases.values()}
        for address, vendor in addresses.items():
            if address is not None:
                yield vendor, address


@dataclass(slots=True)
class WorkerState:
    """A worker, which may have several processes one after another.

    Attributes:
        state: The process; None if there is none at the moment.
        rows: What tests may have done to the rows on the worker's servers.
        round_number: The round of a stress run whose batches its process runs; 0 in other runs.
        failed_servers: How many servers in a row have failed to start for it.
        retired: Why it gets no more work; None while it does.
        paused: Whether it gets no work until there is more memory.
        used: Whether a batch has begun in its process or on its servers.
        is_dirty: Whether its process and servers must be replaced before its next batch: they have
            run a rerun, or a class has left something that no other class may find.
        next_rerun: What it runs again as soon as it has servers; None if it waits for nothing.
    """

    number: int
    state: ProcessState | None = None
    rows: Rows = field(default_factory=Rows)
    round_number: int = 0
    failed_servers: int = 0
    retired: CtestError | None = None
    paused: bool = False
    used: bool = False
    is_dirty: bool = False
    next_rerun: Work | None = None

    @property
    def is_available(self) -> bool:
        """Whether it may get work, now or after its batch."""
        return self.retired is None and not self.paused

    @property
    def batch(self) -> BatchState | None:
        """The batch that its process runs."""
        return None if self.state is None else self.state.batch

    @property
    def work(self) -> Work | None:
        """The work of this batch."""
        return None if self.batch is None else self.batch.work

    @property
    def is_in_rerun(self) -> bool:
        """Whether it runs failed tests again."""
        return self.work is not None and self.work.rerun is not None

    def forget_process(self, *, servers: bool) -> None:
        """Forget the process, so that the worker can get another one.

        Args:
            servers: Whether it gets new servers, too.
        """
        self.state = None
        if servers:
            self.rows = Rows()
            self.used = self.is_dirty = False


def lend(state: ProcessState, leases: Sequence[AnyLease], answers: str = "") -> UseResources:
    """Note what is lent to a process, and return the command that lends it what it lacks.

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


def begin(state: ProcessState, command: RunBatch, leases: Sequence[AnyLease]) -> None:
    """Let a process run a batch; before that, lend it what it lacks."""
    resources = lend(state, leases)
    if resources.databases or resources.services:
        state.process.send(resources)
    state.process.send(command)
