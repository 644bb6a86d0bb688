"""Gives free workers their next batch, or a failed test to run again."""

from __future__ import annotations

from collections.abc import Sequence

from ctest_containers.errors import EngineError, ServerError
from ctest_containers.model import AnyLease
from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_choice import BatchChoice
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.memory import MemoryWatch
from ctest_containers.workers.reruns import Reruns
from ctest_containers.workers.roster import Roster
from ctest_containers.workers.rounds import Rounds
from ctest_containers.workers.supplier import Supplier
from ctest_containers.workers.time_limits import TimeLimits
from ctest_containers.workers.worker_state import ProcessState, WorkerState, begin


class Assigner:
    """Assigns batches and reruns to the workers of a pool."""

    def __init__(
        self,
        *,
        roster: Roster,
        rounds: Rounds,
        reruns: Reruns,
        memory: MemoryWatch,
        supplier: Supplier,
        time_limits: TimeLimits,
    ) -> None:
        self._roster = roster
        self._rounds = rounds
        self._reruns = reruns
        self._memory = memory
        self._supplier = supplier
        self._time_limits = time_limits

    @property
    def work_waits(self) -> bool:
        """Whether a batch or a rerun waits for a worker."""
        if self._reruns or any(worker.next_rerun is not None for worker in self._roster.workers):
            return True
        return any(True for _ in self._rounds.waiting())

    def assign(self, worker: WorkerState) -> None:
        """Assign a free worker a rerun, or a batch of the earliest round that has one for it."""
        if worker.work is not None or self._assign_rerun(worker):
            return
        if worker.is_available:
            for choice in self._rounds.offered(worker):
                if self._assign_from(choice, worker):
                    return

    def _assign_from(self, choice: BatchChoice, worker: WorkerState) -> bool:
        """Assign a free worker the first batch whose databases it has, or can have at once.

        If the waiting batches would find other rows than in a serial run on every worker, this one
        is renewed.

        Returns:
            Whether there is a batch for it, even if its databases have yet to start.
        """
        workers = self._roster.workers
        if worker.is_dirty:
            self._roster.renew(worker)
        if not choice.is_any_allowed(worker, workers):
            if not choice.is_renewal_due(worker, workers):
                return False
            self._roster.renew(worker)
        if worker.round_number != choice.round_number:
            self._roster.enter_round(worker, choice.round_number)
            self._rounds.entered(worker)
        if self._memory.outgrown(worker):
            self._roster.recycle(worker, self._memory.process_limit_bytes or 0)
        state = self._roster.process_of(worker)
        awaited: set[frozenset[str]] = set()
        is_late = False
        for work in choice.allowed(worker, workers):
            # A batch that removes rows must not overtake another one that does.
            if work.batch.aliases in awaited or (is_late and work.batch.removes_rows):
                continue
            try:
                leases = self._supplier.acquire(worker.number, work.batch.aliases)
            except (ServerError, EngineError) as error:
                self._roster.retire(worker, error, self._memory.available_bytes or 0)
                return True
            if leases is None:
                awaited.add(work.batch.aliases)
                is_late |= work.batch.removes_rows
                continue
            self._begin(worker, state, work, leases)
            return True
        return True

    def _assign_rerun(self, worker: WorkerState) -> bool:
        """Let a free worker run a failed test again, and return whether it does or will."""
        work, worker.next_rerun = worker.next_rerun, None
        if work is None and not self._reruns:
            return False
        if not worker.is_available:
            if work is not None:
                self._reruns.put_back(work)
            return False
        choice, workers = self._rounds.of(worker), self._roster.workers
        if work is None:
            if not choice.may_renew(worker):
                return False
            work = self._reruns.take(choice.busy(workers))
            if work is None:
                return False
            if worker.used:
                self._roster.renew(worker)
        state = self._roster.process_of(worker)
        try:
            leases = self._supplier.acquire(worker.number, work.batch.aliases)
        except (ServerError, EngineError) as error:
            self._reruns.put_back(work)
            self._roster.retire(worker, error, self._memory.available_bytes or 0)
            return True
        if leases is None or not work.batch.exclusive.isdisjoint(choice.busy(workers)):
            worker.next_rerun = work
            return True
        worker.is_dirty = True
        self._send(worker, state, self._reruns.begin(worker, work), leases)
        return True

    def _begin(
        self, worker: WorkerState, state: ProcessState, work: Work, leases: Sequence[AnyLease]
    ) -> None:
        choice = self._rounds.of(worker)
        self._send(worker, state, choice.take(worker, work), leases)
        choice.note_lent(worker, state.leases)

    def _send(
        self,
        worker: WorkerState,
        state: ProcessState,
        command: RunBatch,
        leases: Sequence[AnyLease],
    ) -> None:
        worker.failed_servers = 0
        worker.used = True
        assert state.batch is not None
        self._time_limits.begin_batch(state.batch)
        begin(state, command, leases)
