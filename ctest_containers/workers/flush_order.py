"""Which databases tests have flushed in a serial run by the time that a batch begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from ctest_containers.project.suite import Batch
from ctest_containers.workers.work import Rows, Work


class FlushOrder:
    """Tracks which databases a serial run would have flushed, while batches run in another order.

    A class whose `setUpClass` fails, or that is skipped there, flushes nothing. Whether a
    database is flushed before a batch is therefore known once an earlier batch has flushed it, or
    once every earlier batch that might flush it has ended.

    Args:
        batches: The batches that run here.
        elsewhere: Flushes that tests make which run elsewhere: the place among the numbers of
            batches, and the aliases. They are assumed to happen.
        databases: For each alias, the first of those that have the same database.
        mirrors: The aliases by which Django does not flush.
    """

    def __init__(
        self,
        batches: Iterable[Batch] = (),
        *,
        elsewhere: Iterable[tuple[float, Collection[str]]] = (),
        databases: Mapping[str, str] = MappingProxyType({}),
        mirrors: Collection[str] = (),
    ) -> None:
        self._mirrors = mirrors
        self._database_of = databases
        self._pending: dict[str, set[int]] = defaultdict(set)
        # For each database, where it is flushed, and whether without `post_migrate`.
        self._flushes: dict[str, dict[float, bool]] = defaultdict(dict)
        for batch in batches:
            for alias in batch.flushes:
                self._pending[self._database(alias)].add(batch.number)
        for number, aliases in elsewhere:
            for alias in aliases:
                self._flushes[self._database(alias)][number] = False

    def record_flush(self, work: Work, rows: Rows, alias: str, *, bare: bool) -> None:
        """A test of a batch has flushed a database.

        Args:
            bare: Whether without sending `post_migrate`.
        """
        database = self._database(alias)
        self._flushes[database][work.batch.number] = bare
        rows.empty(database, work)

    def record_end(self, work: Work) -> None:
        """A batch has ended, and flushes nothing any more."""
        for alias in work.batch.flushes:
            self._pending[self._database(alias)].discard(work.batch.number)

    def is_known(self, work: Work, rows: Rows) -> bool:
        """Whether it is certain what has been flushed before a batch."""
        return all(
            next(self._between(database, rows, work), None) is not None
            or not any(
                rows.floor(database) < number < work.batch.number
                for number in self._pending.get(database, ())
            )
            for database in self._databases(work)
        )

    def allows(self, work: Work, rows: Rows) -> bool:
        """Whether a worker's servers are not flushed that a serial run has not flushed by then."""
        return not any(
            database in rows.emptied
            and not any(number < _position(work) for number in self._flushes[database])
            for database in self._databases(work)
        )

    def missing(self, work: Work, rows: Rows) -> Mapping[str, bool]:
        """The databases that a worker has to flush before a batch, and whether bare."""
        return {
            database: self._flushes[database][max(numbers)]
            for database in self._databases(work)
            if database not in rows.clean and (numbers := list(self._between(database, rows, work)))
        }

    def aliases_of(self, database: str) -> list[str]:
        """The aliases by which a database can be flushed, as Django does."""
        same = [alias for alias, first in self._database_of.items() if first == database]
        return [alias for alias in same or [database] if alias not in self._mirrors]

    def begun(
        self, rows: Rows, work: Work, flushed: Collection[str], aliases: Iterable[str]
    ) -> None:
        """A worker that has these aliases has flushed its databases among these for a batch."""
        for database in {self._database(alias) for alias in aliases} & set(flushed):
            rows.empty(database, work)

    def _between(self, database: str, rows: Rows, work: Work) -> Iterator[float]:
        """The flushes that a serial run has made since rows were left that are there now."""
        floor = rows.floor(database)
        position = _position(work)
        return (number for number in self._flushes[database] if floor < number < position)

    def _database(self, alias: str) -> str:
        return self._database_of.get(alias, alias)

    def _databases(self, work: Work) -> Iterator[str]:
        """Those that matter for a batch: one that needs the rows of migrations gets them."""
        batch = work.batch
        if batch.needs_rows:
            return iter(())
        if batch.leaves_rows and not batch.aliases:
            return iter({*self._pending, *self._flushes})
        return iter({self._database(alias) for alias in batch.aliases})


def _position(work: Work) -> int:
    """The number of a batch; what is left of one comes after what has ended of it."""
    return work.batch.number + bool(work.ended)
