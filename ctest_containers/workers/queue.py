"""The batches that wait for a worker, and which of them a worker may take."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

from ctest_containers.workers.work import Work


class WorkQueue:
    """Batches in the order in which they are given out.

    As in a serial run, no test that needs the rows of migrations comes after one that may have
    removed them from the same server. So those that remove rows wait until none of the others
    waits, except that a worker which has already begun with them goes on with them, and that one
    which alone would take longer than a worker's share of all that is left begins in time.
    """

    def __init__(self, works: Iterable[Work]) -> None:
        self._keeping: deque[Work] = deque()
        self._removing: deque[Work] = deque()
        self._needing = 0
        self._seconds = 0.0
        for work in works:
            self.add(work)

    def __len__(self) -> int:
        return len(self._keeping) + len(self._removing)

    def __iter__(self) -> Iterator[Work]:
        return chain(self._keeping, self._removing)

    def add(self, work: Work) -> None:
        """Let a batch be the last of its kind."""
        self._line_of(work).append(work)
        self._count(work, 1)

    def put_back(self, work: Work) -> None:
        """Let what is left of a batch be the next of its kind."""
        self._line_of(work).appendleft(work)
        self._count(work, 1)

    def remove(self, work: Work) -> None:
        """A worker has taken it."""
        self._line_of(work).remove(work)
        self._count(work, -1)

    def clear(self) -> None:
        """Nobody will take any of them."""
        self._keeping.clear()
        self._removing.clear()
        self._needing, self._seconds = 0, 0.0

    def allowed(self, *, flushed: bool, workers: int, others: bool) -> Iterator[Work]:
        """What a worker may take, what it should take first.

        Args:
            flushed: Whether rows of migrations may be missing from its databases.
            workers: How many workers there are at the moment.
            others: Whether one of the others could take what needs those rows.
        """
        if self._needing and not flushed and others and self._removing:
            first = self._removing[0]
            if first.seconds * workers > self._seconds:
                yield first
        for work in self._keeping:
            if not (work.batch.needs_rows and flushed):
                yield work
        if flushed or not self._needing:
            for work in self._removing:
                if not (work.batch.needs_rows and flushed):
                    yield work

    def _line_of(self, work: Work) -> deque[Work]:
        return self._removing if work.batch.removes_rows else self._keeping

    def _count(self, work: Work, sign: int) -> None:
        self._needing += sign * (work.batch.needs_rows and not work.batch.removes_rows)
        self._seconds += sign * work.seconds
