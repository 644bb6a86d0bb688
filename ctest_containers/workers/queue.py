"""The batches that wait for a worker, and which of them a worker may take."""

from __future__ import annotations

import bisect
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from ctest_containers.events import OutcomeKind
from ctest_containers.project.suite import Batch
from ctest_containers.workers.batch_progress import Rows, Work
from ctest_containers.workers.flush_order import FlushOrder


class WorkQueue:
    """Batches in the order in which they are assigned.

    As in a serial run, no test that needs the rows of migrations comes after one that may have
    removed them from the same server, and no batch follows one on the same server that may have
    left rows and comes later in Django's order. Batches that remove rows therefore wait until no
    other batch is waiting. Batches that leave rows come last, in Django's order, except that they
    precede the first batch that flushes their databases if a serial run has them earlier. There are
    two exceptions: a worker that has begun with such batches continues with them, and a batch that
    would take longer than a worker's share of the remaining time begins early.
    """

    def __init__(self, works: Iterable[Work]) -> None:
        self._keeping: deque[Work] = deque()
        self._removing: deque[Work] = deque()
        self._leaving: deque[Work] = deque()
        self._needing = 0
        self._seconds = 0.0
        for work in works:
            self.add(work)

    def __len__(self) -> int:
        return len(self._keeping) + len(self._removing) + len(self._leaving)

    def __iter__(self) -> Iterator[Work]:
        return chain(self._keeping, self._removing, self._leaving)

    def add(self, work: Work) -> None:
        """Add a batch as the last one of its kind, or at its position in Django's order."""
        if work.batch.leaves_rows:
            bisect.insort(self._leaving, work, key=_number)
        else:
            self._line_of(work).append(work)
        self._count(work, 1)

    def put_back(self, work: Work) -> None:
        """Add the rest of a batch as the first one of its kind, or at its former position."""
        if work.batch.leaves_rows:
            bisect.insort(self._leaving, work, key=_number)
        else:
            self._line_of(work).appendleft(work)
        self._count(work, 1)

    def remove(self, work: Work) -> None:
        """Remove a batch that a worker has taken."""
        self._line_of(work).remove(work)
        self._count(work, -1)

    def clear(self) -> None:
        """Remove all batches."""
        for line in (self._keeping, self._removing, self._leaving):
            line.clear()
        self._needing, self._seconds = 0, 0.0

    def allowed(
        self,
        rows: Rows,
        order: FlushOrder,
        *,
        workers: int,
        others: bool,
        busy: Collection[str] = (),
        left_elsewhere: Mapping[int, frozenset[str]] = MappingProxyType({}),
    ) -> Iterator[Work]:
        """Yield the batches that a worker may take, in the order in which it should.

        Args:
            rows: The state of the rows on its servers.
            order: The state of the rows in a serial run.
            workers: How many workers there are at the moment.
            others: Whether another worker could take batches that need the rows of migrations.
            busy: The names of what running batches use exclusively.
            left_elsewhere: The rows left on the servers of other workers; see `Rows.left_in`.
        """

        def fitting(works: Iterable[Work]) -> Iterator[Work]:
            for work in works:
                if (
                    rows.allow(work)
                    and order.allows(work, rows, left_elsewhere)
                    and work.batch.exclusive.isdisjoint(busy)
                    and order.is_known(work, rows)
                ):
                    yield work

        if self._needing and not rows.flushed and others:
            for line in (self._removing, self._leaving):
                # The longest come first, except that those that find no flush precede others.
                for work in line:
                    if work.seconds * workers > self._seconds:
                        yield from fitting([work, *self._first_flushing()])
                    if not work.batch.unflushed or line is self._leaving:
                        break
        is_waiting = True
        for work in fitting(self._keeping):
            is_waiting = False
            yield work
        # If all of those wait for running batches, one other worker with the rows is enough.
        if rows.flushed or not self._needing or (is_waiting and others):
            yield from fitting(work for work in self._leaving if work.batch.unflushed)
            yield from fitting(self._removing)
            yield from fitting(self._leaving)

    def _first_flushing(self) -> list[Work]:
        """Return the first flushing batch in Django's order, for which others may wait."""
        flushing = [work for work in chain(self._removing, self._leaving) if work.batch.flushes]
        return sorted(flushing, key=_number)[:1]

    def _line_of(self, work: Work) -> deque[Work]:
        if work.batch.leaves_rows:
            return self._leaving
        return self._removing if work.batch.removes_rows else self._keeping

    def _count(self, work: Work, sign: int) -> None:
        self._needing += sign * (work.batch.needs_rows and not work.batch.removes_rows)
        self._seconds += sign * work.seconds


def queue_of(batches: Iterable[Batch], expected: Mapping[int, float]) -> WorkQueue:
    """Return a queue of batches.

    Args:
        expected: How long they are expected to take, in seconds, by their numbers.
    """
    # The fixtures of a class that was split are reported once.
    reported: dict[int | None, set[tuple[str, OutcomeKind]]] = defaultdict(set)
    return WorkQueue(
        Work(
            batch,
            seconds=expected.get(batch.number, 0.0),
            reported=None if batch.part_of is None else reported[batch.part_of],
        )
        for batch in batches
    )


def _number(work: Work) -> int:
    return work.batch.number
