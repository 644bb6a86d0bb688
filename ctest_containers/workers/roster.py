"""The workers of a pool: starts, replaces, pauses and resumes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ctest_containers.errors import CtestError, EngineError
from ctest_containers.events import (
    Event,
    WorkerPaused,
    WorkerRecycled,
    WorkerResumed,
    WorkerRetired,
    WorkerStarted,
)
from ctest_containers.originals import ORIGINALS
from ctest_containers.wire import Quit
from ctest_containers.workers.batch_progress import Rows
from ctest_containers.workers.memory import MemoryWatch
from ctest_containers.workers.process import WorkerProcess
from ctest_containers.workers.supplier import Supplier
from ctest_containers.workers.worker_state import ProcessState, WorkerState

SERVER_TRIES: Final = 3
"""How many servers in a row may fail to start for one worker, or for one trial of a hunt."""


class Roster:
    """The workers of a pool, by their numbers.

    Args:
        start: Starts the process of a worker.
    """

    def __init__(
        self,
        count: int,
        *,
        supplier: Supplier,
        start: Callable[[int], WorkerProcess],
        report: Callable[[Event], None],
    ) -> None:
        self.workers = [WorkerState(number) for number in range(1, count + 1)]
        self._supplier = supplier
        self._start = start
        self._report = report

    def states(self) -> list[ProcessState]:
        """Return the state of each process that exists."""
        return [worker.state for worker in self.workers if worker.state is not None]

    def busy(self) -> list[WorkerState]:
        """Return the workers that run a batch."""
        return [worker for worker in self.workers if worker.batch is not None]

    def process_of(self, worker: WorkerState) -> ProcessState:
        """Return a worker's process; start it if there is none."""
        if worker.state is None:
            worker.state = ProcessState(self._start(worker.number), started=ORIGINALS.monotonic())
            self._report(WorkerStarted(worker=worker.number, pid=worker.state.process.pid))
        return worker.state

    def recycle(self, worker: WorkerState, limit_bytes: int) -> None:
        """End a worker's process that has grown too large; its servers stay."""
        count = 0 if worker.state is None else worker.state.memory_bytes
        _quit(worker)
        self._report(
            WorkerRecycled(worker=worker.number, memory_bytes=count, limit_bytes=limit_bytes)
        )
        worker.forget_process(servers=False)

    def renew(self, worker: WorkerState) -> None:
        """End a worker's process and servers, so that it gets new ones."""
        _quit(worker)
        self._supplier.release(worker.number)
        worker.forget_process(servers=True)

    def enter_round(self, worker: WorkerState, round_number: int) -> None:
        """Give a worker a new process for another round, and new servers if their rows changed.

        So no round sees what earlier ones have left in memory or in databases.
        """
        if worker.rows.changed:
            self.renew(worker)
        else:
            _quit(worker)
            worker.forget_process(servers=False)
            worker.rows = Rows()
        worker.round_number = round_number

    def retire(self, worker: WorkerState, error: CtestError, available_bytes: int) -> None:
        """Let a worker whose server did not start try again; after too many tries, retire it.

        Its process ends, too, because all servers that it already uses are removed.

        Raises:
            CtestError: No worker is left.
        """
        self.renew(worker)
        worker.failed_servers += 1
        # Requests to the engine have already been repeated before an EngineError.
        if worker.failed_servers < SERVER_TRIES and not isinstance(error, EngineError):
            return
        worker.retired = error
        self._report(WorkerRetired(worker=worker.number, reason=error.message))
        if not any(other.is_available for other in self.workers):
            paused = next((other for other in self.workers if other.paused), None)
            if paused is None:
                raise error
            self.resume(paused, available_bytes)

    def pause(self, worker: WorkerState, watch: MemoryWatch) -> None:
        """End a worker's process and servers until there is more memory."""
        self.renew(worker)
        worker.paused = True
        available = watch.available_bytes or 0
        self._report(
            WorkerPaused(
                worker=worker.number, available_bytes=available, floor_bytes=watch.floor_bytes
            )
        )

    def resume(self, worker: WorkerState, available_bytes: int) -> None:
        """Let a paused worker run batches again."""
        worker.paused = False
        self._report(WorkerResumed(worker=worker.number, available_bytes=available_bytes))

    def interrupt(self) -> list[str]:
        """Let the workers end after their running tests, and return the names of these tests."""
        running = []
        for state in self.states():
            if state.batch is not None:
                if state.batch.running is not None:
                    running.append(state.batch.running.test_id)
                state.process.interrupt()
        return running

    def end(self) -> None:
        """End all processes; kill those that run a batch."""
        for state in self.states():
            if state.batch is None:
                state.process.send(Quit())
            else:
                state.process.kill()
        # Their batches are not forgotten: what is left of them counts as not run.
        for state in self.states():
            state.process.join()


def _quit(worker: WorkerState) -> None:
    if worker.state is not None:
        worker.state.process.send(Quit())
        worker.state.process.join()
