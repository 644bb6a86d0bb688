"""Chooses a worker's next batch, so that each test finds the rows it finds in a serial run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.queue import WorkQueue
from ctest_containers.workers.slot import BatchState, Slot


class BatchChoice:
    """Chooses among the waiting batches, in the order that flushes require.

    Args:
        order: Which databases a serial run would have flushed.
    """

    def __init__(self, queue: WorkQueue, order: FlushOrder) -> None:
        self._queue = queue
        self._order = order

    def allowed(self, slot: Slot, slots: Sequence[Slot]) -> Iterator[Work]:
        """Return the waiting batches that a worker may take without violating Django's order.

        Args:
            slots: All workers; what they run and have left is taken into account.
        """
        fit = [other for other in slots if other.is_available]
        running = (other.work for other in fit if other.work is not None)
        return self._queue.allowed(
            slot.rows,
            self._order,
            workers=len(fit),
            others=any(other.number != slot.number and not other.rows.flushed for other in fit),
            busy=frozenset(chain.from_iterable(work.batch.exclusive for work in running)),
            left_elsewhere={
                number: names
                for other in fit
                if other.number != slot.number
                for number, names in other.rows.left_in.items()
            },
        )

    def is_any_allowed(self, slot: Slot, slots: Sequence[Slot]) -> bool:
        """Return whether a worker may take a batch."""
        return next(self.allowed(slot, slots), None) is not None

    def is_renewal_due(self, slot: Slot, slots: Sequence[Slot]) -> bool:
        """Return whether to renew a worker because no worker may take a batch as it is."""
        if any(self.is_any_allowed(other, slots) for other in slots if other.is_available):
            return False
        # Otherwise, the remaining batches wait for those that others run.
        return not self.keeps_rows(slot) and self.is_any_allowed(Slot(slot.number), slots)

    def keeps_rows(self, slot: Slot) -> bool:
        """Return whether a waiting batch needs rows that others left on a worker's servers."""
        return any(self._order.finds(work, slot.rows.left_in) for work in self._queue)

    def take(self, slot: Slot, work: Work) -> RunBatch:
        """Assign a batch to a worker, and return the command that starts it."""
        assert slot.state is not None
        self._queue.remove(work)
        flushed = self._order.missing(work, slot.rows)
        slot.rows.change(work)
        slot.state.batch = BatchState(work, flushing=frozenset(flushed))
        return RunBatch(
            batch=work.batch.number,
            skip=tuple(sorted(work.ended)),
            full=tuple(sorted(work.full)),
            careful=work.careful,
            flush=self._aliases_of(flushed),
            flush_bare=self._aliases_of(database for database, bare in flushed.items() if bare),
        )

    def note_lent(self, slot: Slot, aliases: Iterable[str]) -> None:
        """Note that a worker now has these aliases, and flushes them for its batch."""
        batch = slot.batch
        if batch is not None:
            self._order.begun(slot.rows, batch.work, batch.flushing, aliases)

    def _aliases_of(self, databases: Iterable[str]) -> tuple[str, ...]:
        return tuple(alias for name in databases for alias in self._order.aliases_of(name))
