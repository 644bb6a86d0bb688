"""Tracks what a serial run's tests would have left in databases before each batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from ctest_containers.project.suite import Batch
from ctest_containers.workers.batch_progress import Rows, Work


class FlushOrder:
    """Tracks which databases a serial run would have flushed, while batches run in another order.

    A class whose `setUpClass` fails, or that is skipped there, flushes nothing. Whether a
    database is flushed before a batch is therefore known once an earlier batch has flushed it, or
    once every earlier batch that might flush it has ended.

    Rows that a class may leave in databases that it declares are found by later classes that
    declare them, too, until one flushes them. Such classes therefore run on the same worker, one
    after another. It cannot be known in advance which databases a plain `unittest.TestCase` uses,
    so what such a class leaves is found only by classes that happen to run on the same worker.

    Args:
        batches: The batches that run here.
        elsewhere: The flushes of tests that run elsewhere: their positions among the numbers of
            batches, and the aliases. They are assumed to happen.
        databases: For each alias, the first alias of the same database.
        mirrors: The aliases that Django does not flush.
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
        # For each database, the positions of flushes, and whether each omits `post_migrate`.
        self._flushes: dict[str, dict[float, bool]] = defaultdict(dict)
        # The databases of each batch that may leave rows and has not ended.
        self._leaving: dict[int, frozenset[str]] = {}
        for batch in batches:
            for alias in batch.flushes:
                self._pending[self._database(alias)].add(batch.number)
            if batch.leaves_rows and batch.aliases:
                self._leaving[batch.number] = frozenset(map(self._database, batch.aliases))
        for number, aliases in elsewhere:
            for alias in aliases:
                self._flushes[self._database(alias)][number] = False

    def record_flush(self, work: Work, rows: Rows, alias: str, *, bare: bool) -> None:
        """Note that a test of a batch has flushed a database.

        Args:
            bare: Whether the flush did not send `post_migrate`.
        """
        database = self._database(alias)
        self._flushes[database][work.batch.number] = bare
        rows.empty(database, work)

    def record_end(self, work: Work) -> None:
        """Note that a batch has ended, so that it flushes nothing more."""
        self._leaving.pop(work.batch.number, None)
        for alias in work.batch.flushes:
            self._pending[self._database(alias)].discard(work.batch.number)

    def is_known(self, work: Work, rows: Rows) -> bool:
        """Return whether it is certain what has been flushed and left before a batch."""
        return not self.finds(work, self._leaving) and all(
            next(self._between(database, rows, work), None) is not None
            or not any(
                rows.floor(database) < number < work.batch.number
                for number in self._pending.get(database, ())
            )
            for database in self._databases(work)
        )

    def allows(
        self, work: Work, rows: Rows, elsewhere: Mapping[int, frozenset[str]] = MappingProxyType({})
    ) -> bool:
        """Return whether a worker's servers have all rows that a batch finds in a serial run.

        They must have no flush that a serial run would not have made by then, and miss no rows
        that it would have left.

        Args:
            elsewhere: The rows left on the servers of other workers; see `Rows.left_in`.
        """
        missing = {number: elsewhere[number] for number in elsewhere.keys() - rows.left_in.keys()}
        if self.finds(work, missing) or self._would_hide(work, rows):
            return False
        return not any(
            database in rows.emptied
            and not any(number < _position(work) for number in self._flushes[database])
            for database in self._databases(work)
        )

    def finds(self, work: Work, left_in: Mapping[int, frozenset[str]]) -> bool:
        """Return whether a batch must follow earlier batches, because of rows that they may leave.

        Args:
            left_in: The databases of these batches, by batch number.
        """
        batch = work.batch
        if batch.needs_rows or not batch.aliases:
            return False
        mine = {self._database(alias) for alias in batch.aliases}
        return any(
            number < batch.number
            and (batch.leaves_rows or any(self._reach(name, number, work) for name in names & mine))
            for number, names in left_in.items()
        )

    def missing(self, work: Work, rows: Rows) -> Mapping[str, bool]:
        """Return the databases that a worker must flush before a batch, and whether bare."""
        return {
            database: self._flushes[database][max(numbers)]
            for database in self._databases(work)
            if database not in rows.clean and (numbers := list(self._between(database, rows, work)))
        }

    def aliases_of(self, database: str) -> list[str]:
        """Return the aliases with which Django would flush a database."""
        same = [alias for alias, first in self._database_of.items() if first == database]
        return [alias for alias in same or [database] if alias not in self._mirrors]

    def begun(
        self, rows: Rows, work: Work, flushed: Collection[str], aliases: Iterable[str]
    ) -> None:
        """Note that a worker has flushed those of its databases for a batch that it has now.

        Args:
            flushed: The databases to flush for the batch.
            aliases: The aliases that the worker has.
        """
        for database in {self._database(alias) for alias in aliases} & set(flushed):
            rows.empty(database, work)
        if work.batch.leaves_rows and work.batch.aliases:
            rows.left_in[work.batch.number] = frozenset(map(self._database, work.batch.aliases))

    def _reach(self, database: str, number: int, work: Work) -> bool:
        """Return whether no flush is known that removes a batch's rows before this work begins."""
        flushes = self._flushes.get(database, ())
        return not any(number < flush < _position(work) for flush in flushes)

    def _would_hide(self, work: Work, rows: Rows) -> bool:
        """Return whether a batch may add rows to those that an earlier batch has yet to find."""
        if not work.batch.leaves_rows:
            return False
        return any(
            number < pending < work.batch.number
            for number, names in rows.left_in.items()
            for pending in chain(self._leaving, *(self._pending.get(name, ()) for name in names))
        )

    def _between(self, database: str, rows: Rows, work: Work) -> Iterator[float]:
        """Return the positions of a serial run's flushes since the present rows were left."""
        floor = rows.floor(database)
        position = _position(work)
        return (number for number in self._flushes[database] if floor < number < position)

    def _database(self, alias: str) -> str:
        return self._database_of.get(alias, alias)

    def _databases(self, work: Work) -> Iterator[str]:
        """Return the databases whose flushes matter for a batch.

        For a batch that needs the rows of migrations, none do: it gets servers with these rows.
        """
        batch = work.batch
        if batch.needs_rows:
            return iter(())
        if batch.leaves_rows and not batch.aliases:
            return iter({*self._pending, *self._flushes})
        return iter({self._database(alias) for alias in batch.aliases})


def _position(work: Work) -> int:
    """Return a batch's number; the rest of a batch comes after its tests that have ended."""
    return work.batch.number + bool(work.ended)
