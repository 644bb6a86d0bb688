"""The supply of a run: prepares resources, starts servers from them, and removes everything."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack
from enum import IntEnum
from pathlib import Path

from ctest_containers.backends.environment import set_aside_variables
from ctest_containers.config import Config, failures_to_keep
from ctest_containers.config.model import project_of
from ctest_containers.errors import EngineError
from ctest_containers.events import Event
from ctest_containers.failures.store import Stored
from ctest_containers.fingerprint import Input
from ctest_containers.model import AnyLease, Lease
from ctest_containers.project import connections
from ctest_containers.project.guard import guarded
from ctest_containers.project.process import ProjectSetup
from ctest_containers.servers.requests import Closed, ServerLimits
from ctest_containers.servers.standby import STANDBY
from ctest_containers.storage import cache_folder
from ctest_containers.supply.databases import Databases
from ctest_containers.supply.earlier_runs import CommandNeeds, EarlierRuns, SelectionNeeds
from ctest_containers.supply.failures import FailureKeeper, RunFacts
from ctest_containers.supply.parent import PARENT, ParentLeases
from ctest_containers.supply.resource import Resource, Snapshot
from ctest_containers.supply.run_host import RunHost
from ctest_containers.supply.servers import WorkerServers
from ctest_containers.template.build_task import CreateDatabases
from ctest_containers.wire import KeepRequest


class Stage(IntEnum):
    """The stage of a supply, which never goes back."""

    OPEN = 1
    STARTED = 2
    RELEASED = 3
    CLOSED = 4


class Supply:
    """Everything that the workers of a run, or another program, get for themselves.

    A new supply is open. Call its methods in this order; a method raises `RuntimeError` if it is
    called too late:

    1. `warm` starts servers that an earlier run needed; optional.
    2. `prepare` makes sure that there are snapshots to start from.
    3. `start` starts the servers of all workers, once their number is known; optional, because
       `acquire` starts what is missing.
    4. `acquire` and `release`, repeatedly for each worker.
    5. `release_all`, when all workers have ended; optional.
    6. `close`, always, from any stage.

    Args:
        create: Creates and migrates the test databases of some aliases, in a child process.
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
        run_id: The id of the run; by default, a new one.
        began: When the run began, in seconds since the epoch; by default, now. With the option
            `rebuild`, templates that were built before are built again.
        resources: Resources besides the databases.

    Attributes:
        project: The name of the project.
        began: See above.
        databases: The databases of the project, the first resource.
        parent: The databases of this process itself.
        host: The process that owns the servers, and the run's folder.

    Raises:
        UsageError: The configuration contradicts the settings.
    """

    def __init__(
        self,
        *,
        config: Config,
        setup: ProjectSetup,
        create: CreateDatabases,
        report: Callable[[Event], None],
        runner_inputs: Sequence[Input] = (),
        run_id: str = "",
        began: float | None = None,
        resources: Sequence[Resource] = (),
    ) -> None:
        self._stage = Stage.OPEN
        self._has_started = False
        self.project = project_of(config)
        self.began = time.time() if began is None else began
        self._transport = config.transport
        # Tests may remove the folder that they run in.
        self._here = Path.cwd()
        cache = cache_folder()
        self._earlier = EarlierRuns(cache)
        self.host = RunHost(self.project, config.transport, run_id)
        limits = ServerLimits(
            timeout_seconds=config.server_timeout, memory_bytes=config.server_memory
        )
        self._servers = WorkerServers(
            host=self.host.client,
            limits=limits,
            report=report,
            folder=self.host.folder,
        )
        self._failures = FailureKeeper(
            limit=failures_to_keep(config),
            facts=RunFacts(
                project=self.project,
                run=self.host.run_id,
                folder=self._here,
                settings=os.environ.get("DJANGO_SETTINGS_MODULE", ""),
            ),
            servers=self._servers,
            report=report,
        )
        with ExitStack() as undo:
            undo.callback(os.environ.update, set_aside_variables())
            undo.callback(STANDBY.end)
            self.databases = Databases(
                config=config,
                setup=setup,
                create=create,
                runner_inputs=runner_inputs,
                host=self.host,
                limits=limits,
                cache=cache,
                began=self.began,
                report=report,
                lend=self._lend_for_build,
            )
            self._resources: tuple[Resource, ...] = (self.databases, *resources)
            self.parent = ParentLeases(
                acquire=self._acquire_for_parent,
                preparing=self.databases.preparing,
                facts=self.databases.facts,
            )
            self._undo = undo.pop_all()

    def lending(self) -> AbstractContextManager[None]:
        """Lend this process the databases that it connects to, during the block."""
        return guarded(self.parent.lend_if_needed)

    def warm(self, selection: Sequence[str]) -> None:
        """Start what the same selection of tests needed last time, before this run needs it."""
        self._require(Stage.OPEN)
        if STANDBY.is_warm:
            return
        needs = self._earlier.of_selection(self.project, selection)
        if needs is None or not needs.aliases:
            return
        try:
            expected = [
                snapshot
                for resource in self._resources
                for snapshot in resource.expected(needs.aliases)
            ]
        except EngineError:
            # This run may not need the engine.
            return
        for worker in range(1, needs.workers + 1):
            self._servers.expect(worker, expected)

    def prepare(self, needs: Collection[str]) -> None:
        """Make sure that there are snapshots for these needs, such as aliases.

        Raises:
            CtestError: One cannot be made.
        """
        self._require(Stage.RELEASED)
        for resource in self._resources:
            resource.prepare(needs, self._offer)

    def start(self, needs: Sequence[Collection[str]], workers: int) -> None:
        """Start the servers of `workers` workers, and remove those that are not needed.

        Args:
            needs: What each batch of tests needs.
        """
        self._require(Stage.OPEN)
        self._stage = Stage.STARTED
        self._servers.expect_all(needs, workers)
        self._has_started = True
        self.host.drop_ahead()

    def acquire(self, worker: int, needs: Collection[str]) -> Sequence[AnyLease] | None:
        """Return what a worker needs, or None while one of its servers is starting.

        Needs that were not prepared are ignored.

        Raises:
            ServerError: A server could not be started.
            EngineError: The engine does not answer, or refuses.
        """
        self._require(Stage.STARTED)
        return self._servers.acquire(worker, needs)

    def await_leases(self, worker: int, needs: Collection[str]) -> Sequence[AnyLease]:
        """Do the same as `acquire`, but wait for servers that are starting."""
        self._require(Stage.RELEASED)
        return self._servers.await_leases(worker, needs)

    @property
    def keeps_failures(self) -> bool:
        """See `Supplier`."""
        return self._failures.limit > 0

    @property
    def kept_failures(self) -> Sequence[Stored]:
        """The failures whose databases have been kept."""
        return self._failures.kept

    def say_kept(self) -> None:
        """Report which failures have been kept; no more will be."""
        self._failures.close()

    def keep(self, worker: int, request: KeepRequest) -> bool | None:
        """See `Supplier`."""
        return self._failures.keep(worker, request)

    def release(self, worker: int) -> None:
        """Remove a worker's servers; new ones start from the snapshots."""
        self._failures.forget(worker)
        self._servers.release(worker)

    def release_all(self) -> None:
        """Remove all servers, without waiting until they are gone."""
        self._stage = max(self._stage, Stage.RELEASED)
        self._servers.release_all()

    def release_parent(self) -> None:
        """Remove the parent's databases; none may be in use when workers are forked."""
        self.parent.forget()
        self.release(PARENT)

    def fileno(self) -> int | None:
        """See `Supplier`."""
        return self._servers.fileno()

    def update(self) -> None:
        """See `Supplier`."""
        self._servers.update()

    def explain(self, worker: int, *, wait_seconds: float) -> str:
        """See `Supplier`."""
        return self._servers.explain(worker, wait_seconds=wait_seconds)

    def remember(self, selection: Sequence[str], aliases: Collection[str], workers: int) -> None:
        """Note what a selection of tests needs, so that `warm` can start it next time."""
        needs = SelectionNeeds(tuple(sorted(aliases)), workers)
        self._earlier.remember_selection(self.project, selection, needs)

    def close(self) -> Closed | None:
        """Remove every server, and undo what the supply has changed in this process.

        Returns:
            What could not be removed; None if no server host was started.
        """
        self._stage = Stage.CLOSED
        self._failures.close()
        try:
            self.parent.restore()
        finally:
            self._undo.close()
            if self.host.is_started or not self.databases.plans.has_servers:
                needs = None
                if self._has_started:
                    needs = CommandNeeds(self.project, self._transport, self._servers.first())
                self._earlier.remember_command(
                    self._here, STANDBY.command, needs, host=self.host.is_started
                )
            closed = self.host.close()
        return closed

    def _lend_for_build(self, aliases: Collection[str]) -> list[Lease]:
        return self.parent.disconnect_and_lend(aliases)

    def _acquire_for_parent(self, needs: Collection[str]) -> Sequence[AnyLease]:
        self.prepare(needs)
        return self.await_leases(PARENT, needs)

    def _offer(self, snapshot: Snapshot, was_there: bool) -> None:  # noqa: FBT001
        self._servers.offer(snapshot, was_there)
        for alias, facts in self.databases.facts().items():
            if alias not in self.parent:
                connections.remember(alias, facts)

    def _require(self, latest: Stage) -> None:
        if self._stage > latest:
            raise RuntimeError(f"The supply is {self._stage.name.lower()}: too late for this call.")
