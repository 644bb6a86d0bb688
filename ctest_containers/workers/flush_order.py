"""Which databases tests have flushed in a serial run by the time that a batch begins."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from ctest_containers.project.suite import Batch
from ctest_containers.workers.work import Work

_NEVER: Final = sys.maxsize


class FlushOrder:
    """Tracks which databases a serial run would have flushed, while batches run in another order.

    A class whose `setUpClass` fails, or that is skipped there, flushes nothing. Whether a
    database is flushed before a batch is therefore known once an earlier batch has flushed it, or
    once every earlier batch that might flush it has ended.

    Args:
        batches: All batches of the run.
        is_complete: Whether this pool runs all of them. If not, every batch that might flush a
            database is assumed to do so.
    """

    def __init__(self, batches: Iterable[Batch], *, is_complete: bool = True) -> None:
        self._pending: dict[str, set[int]] = defaultdict(set)
        for batch in batches:
            for alias in batch.flushes:
                self._pending[alias].add(batch.number)
        self._first_flushing = {alias: min(numbers) for alias, numbers in self._pending.items()}
        self._is_complete = is_complete
        self._flushed: dict[str, int] = {}

    def record_flush(self, work: Work, alias: str) -> None:
        """A test of a batch has flushed a database."""
        number = work.batch.number
        self._flushed[alias] = min(number, self._flushed.get(alias, number))

    def record_end(self, work: Work) -> None:
        """A batch has ended, and flushes nothing any more."""
        for alias in work.batch.flushes:
            self._pending[alias].discard(work.batch.number)

    def is_known(self, work: Work) -> bool:
        """Whether it is certain what has been flushed before a batch."""
        return not self._is_complete or all(
            self._flushed.get(alias, _NEVER) < _position(work)
            or not any(number < work.batch.number for number in self._pending.get(alias, ()))
            for alias in self._databases(work)
        )

    def flushed_before(self, work: Work) -> frozenset[str]:
        """The databases that are flushed when a batch begins, or what is left of it."""
        known = self._flushed if self._is_complete else self._first_flushing
        return frozenset(
            alias for alias in self._databases(work) if known.get(alias, _NEVER) < _position(work)
        )

    def _databases(self, work: Work) -> Iterable[str]:
        """Those that matter for a batch: one that needs the rows of migrations gets them."""
        batch = work.batch
        if batch.needs_rows:
            return ()
        return self._first_flushing if batch.leaves_rows and not batch.aliases else batch.aliases


def _position(work: Work) -> int:
    """The number of a batch; what is left of one comes after what has ended of it."""
    return work.batch.number + bool(work.ended)
