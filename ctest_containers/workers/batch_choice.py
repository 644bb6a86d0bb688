"""Chooses a worker's next batch, so that each test finds the rows it finds in a serial run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_progress import Rows, Work
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.queue import WorkQueue
from ctest_containers.workers.worker_state import BatchState, WorkerState


class BatchChoice:
    """Chooses among the waiting batches, in the order that flushes require.

    The batches are those of one round: each round of a stress run has its own order, and finds no
    rows of other rounds.

    Args:
        order: Which databases a serial run would have flushed.
        round_number: The round of a stress run; 0 in other runs.
    """

    def __init__(self, queue: WorkQueue, order: FlushOrder, round_number: int = 0) -> None:
        self.queue = queue
        self.order = order
        self.round_number = round_number

    def allowed(self, worker: WorkerState, workers: Sequence[WorkerState]) -> Iterator[Work]:
        """Return the waiting batches that a worker may take without violating Django's order.

        Args:
            workers: All workers; what they run and have left is taken into account.
        """
        fit = [other for other in self._members(workers) if other.is_available]
        return self.queue.allowed(
            worker.rows if worker.round_number == self.round_number else Rows(),
            self.order,
            workers=len(fit),
            others=any(other.number != worker.number and not other.rows.flushed for other in fit),
            busy=self.busy(workers),
            left_elsewhere={
                number: names
                for other in fit
                if other.number != worker.number
                for number, names in other.rows.left_in.items()
            },
        )

    def busy(self, workers: Iterable[WorkerState]) -> frozenset[str]:
        """Return the names of what the batches of workers use exclusively."""
        running = (worker.work for worker in workers if worker.work is not None)
        return frozenset(chain.from_iterable(work.batch.exclusive for work in running))

    def is_any_allowed(self, worker: WorkerState, workers: Sequence[WorkerState]) -> bool:
        """Return whether a worker may take a batch."""
        return next(self.allowed(worker, workers), None) is not None

    def is_renewal_due(self, worker: WorkerState, workers: Sequence[WorkerState]) -> bool:
        """Return whether to renew a worker because no worker may take a batch as it is."""
        members = self._members(workers)
        if any(self.is_any_allowed(other, workers) for other in members if other.is_available):
            return False
        # Otherwise, the remaining batches wait for those that others run.
        renewed = WorkerState(worker.number, round_number=self.round_number)
        return not self.keeps_rows(worker) and self.is_any_allowed(renewed, workers)

    def may_renew(self, worker: WorkerState) -> bool:
        """Return whether a worker can get new servers without effects on the waiting batches."""
        if worker.rows.left_by >= 0 and any(work.batch.leaves_rows for work in self.queue):
            return False
        return not self.keeps_rows(worker)

    def keeps_rows(self, worker: WorkerState) -> bool:
        """Return whether a waiting batch needs rows that others left on a worker's servers."""
        return worker.round_number == self.round_number and any(
            self.order.finds(work, worker.rows.left_in) for work in self.queue
        )

    def take(self, worker: WorkerState, work: Work) -> RunBatch:
        """Assign a batch to a worker, and return the command that starts it."""
        assert worker.state is not None
        self.queue.remove(work)
        flushed = self.order.missing(work, worker.rows)
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
            self.order.begun(worker.rows, batch.work, batch.flushing, aliases)

    def _members(self, workers: Sequence[WorkerState]) -> list[WorkerState]:
        """Return the workers that run batches of this round."""
        return [worker for worker in workers if worker.round_number == self.round_number]

    def _aliases_of(self, databases: Iterable[str]) -> tuple[str, ...]:
        return tuple(alias for name in databases for alias in self.order.aliases_of(name))
