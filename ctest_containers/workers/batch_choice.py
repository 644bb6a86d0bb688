"""Chooses a worker's next batch, so that each test finds the rows it finds in a serial run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.queue import WorkQueue
from ctest_containers.workers.worker_state import BatchState, WorkerState


class BatchChoice:
    """Chooses among the waiting batches, in the order that flushes require.

    Args:
        order: Which databases a serial run would have flushed.
    """

    def __init__(self, queue: WorkQueue, order: FlushOrder) -> None:
        self._queue = queue
        self._order = order

    def allowed(self, worker: WorkerState, workers: Sequence[WorkerState]) -> Iterator[Work]:
        """Return the waiting batches that a worker may take without violating Django's order.

        Args:
            workers: All workers; what they run and have left is taken into account.
        """
        fit = [other for other in workers if other.is_available]
        running = (other.work for other in fit if other.work is not None)
        return self._queue.allowed(
            worker.rows,
            self._order,
            workers=len(fit),
            others=any(other.number != worker.number and not other.rows.flushed for other in fit),
            busy=frozenset(chain.from_iterable(work.batch.exclusive for work in running)),
            left_elsewhere={
                number: names
                for other in fit
                if other.number != worker.number
                for number, names in other.rows.left_in.items()
            },
        )

    def is_any_allowed(self, worker: WorkerState, workers: Sequence[WorkerState]) -> bool:
        """Return whether a worker may take a batch."""
        return next(self.allowed(worker, workers), None) is not None

    def is_renewal_due(self, worker: WorkerState, workers: Sequence[WorkerState]) -> bool:
        """Return whether to renew a worker because no worker may take a batch as it is."""
        if any(self.is_any_allowed(other, workers) for other in workers if other.is_available):
            return False
        # Otherwise, the remaining batches wait for those that others run.
        return not self.keeps_rows(worker) and self.is_any_allowed(
            WorkerState(worker.number), workers
        )

    def keeps_rows(self, worker: WorkerState) -> bool:
        """Return whether a waiting batch needs rows that others left on a worker's servers."""
        return any(self._order.finds(work, worker.rows.left_in) for work in self._queue)

    def take(self, worker: WorkerState, work: Work) -> RunBatch:
        """Assign a batch to a worker, and return the command that starts it."""
        assert worker.state is not None
        self._queue.remove(work)
        flushed = self._order.missing(work, worker.rows)
        worker.rows.change(work)
        worker.state.batch = BatchState(work, flushing=frozenset(flushed))
        return RunBatch(
            batch=work.batch.number,
            skip=tuple(sorted(work.ended)),
            full=tuple(sorted(work.full)),
            careful=work.careful,
            flush=self._aliases_of(flushed),
            flush_bare=self._aliases_of(database for database, bare in flushed.items() if bare),
        )

    def note_lent(self, worker: WorkerState, aliases: Iterable[str]) -> None:
        """Note that a worker now has these aliases, and flushes them for its batch."""
        batch = worker.batch
        if batch is not None:
            self._order.begun(worker.rows, batch.work, batch.flushing, aliases)

    def _aliases_of(self, databases: Iterable[str]) -> tuple[str, ...]:
        return tuple(alias for name in databases for alias in self._order.aliases_of(name))
