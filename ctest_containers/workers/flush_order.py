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
    """Follows what is flushed, in Django's order, while batches run in another one.

    A class whose `setUpClass` fails, or that is skipped there, flushes nothing. So whether a
    database is flushed before a batch is known when a test before it has done so, or when all that
    might have has ended.

    Args:
        batches: All batches of the run.
        is_complete: Whether all of them run here. Where others run elsewhere, those that might
            flush are taken to do so.
    """

    def __init__(self, batches: Iterable[Batch], *, is_complete: bool = True) -> None:
        self._open: dict[str, set[int]] = defaultdict(set)
        for batch in batches:
            for alias in batch.flushes:
                self._open[alias].add(batch.number)
        self._supposed = {alias: min(numbers) for alias, numbers in self._open.items()}
        self._is_complete = is_complete
        self._flushed: dict[str, int] = {}

    def flushed(self, work: Work, alias: str) -> None:
        """A test of a batch has flushed a database."""
        number = work.batch.number
        self._flushed[alias] = min(number, self._flushed.get(alias, number))

    def ended(self, work: Work) -> None:
        """A batch has ended, and flushes nothing any more."""
        for alias in work.batch.flushes:
            self._open[alias].discard(work.batch.number)

    def is_known(self, work: Work) -> bool:
        """Whether it is certain what has been flushed before a batch."""
        return not self._is_complete or all(
            self._flushed.get(alias, _NEVER) < _place(work)
            or not any(number < work.batch.number for number in self._open.get(alias, ()))
            for alias in self._databases(work)
        )

    def before(self, work: Work) -> frozenset[str]:
        """The databases that are flushed when a batch begins, or what is left of it."""
        known = self._flushed if self._is_complete else self._supposed
        return frozenset(
            alias for alias in self._databases(work) if known.get(alias, _NEVER) < _place(work)
        )

    def _databases(self, work: Work) -> Iterable[str]:
        """Those that matter for a batch: one that needs the rows of migrations gets them."""
        batch = work.batch
        if batch.needs_rows:
            return ()
        return self._supposed if batch.leaves_rows and not batch.aliases else batch.aliases


def _place(work: Work) -> int:
    """The number of a batch; what is left of one comes after what has ended of it."""
    return work.batch.number + bool(work.ended)
