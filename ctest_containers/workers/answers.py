"""Answers the requests of workers, each as soon as it can be answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ctest_containers.errors import EngineError, ServerError
from ctest_containers.model import AnyLease
from ctest_containers.wire import KeepAnswer, KeepRequest
from ctest_containers.workers.rounds import Rounds
from ctest_containers.workers.supplier import Supplier
from ctest_containers.workers.time_limits import TimeLimits
from ctest_containers.workers.worker_state import ProcessState, WorkerState, lend


class Answers:
    """Answers the workers of a pool."""

    def __init__(self, supplier: Supplier, rounds: Rounds, time_limits: TimeLimits) -> None:
        self._supplier = supplier
        self._rounds = rounds
        self._time_limits = time_limits

    def answer(self, workers: Iterable[WorkerState]) -> None:
        """Answer what can be answered now."""
        for worker in workers:
            state = worker.state
            if state is None:
                continue
            if state.requested_alias:
                self._lend(worker, state)
            if state.keep_request is not None:
                self._keep(worker, state, state.keep_request)

    def _lend(self, worker: WorkerState, state: ProcessState) -> None:
        """Lend a worker the database that it waits for, or answer that there is none."""
        leases: Sequence[AnyLease] | None
        try:
            leases = self._supplier.acquire(worker.number, frozenset([state.requested_alias]))
        except (ServerError, EngineError):
            leases = ()
        if leases is not None:
            state.process.send(lend(state, leases, state.requested_alias))
            self._rounds.of(worker).note_lent(worker, [state.requested_alias])
            state.requested_alias = ""

    def _keep(self, worker: WorkerState, state: ProcessState, request: KeepRequest) -> None:
        """Keep the databases of a failed test, or answer that no more are to be kept."""
        # Of a test that runs again, the first failure is reported, and has been kept.
        more = False if worker.is_in_rerun else self._supplier.keep(worker.number, request)
        if more is None:
            return
        state.keep_request = None
        self._time_limits.resume(state)
        state.process.send(KeepAnswer(more=more))
