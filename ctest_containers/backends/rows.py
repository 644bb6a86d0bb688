"""The interface to the rows of a database, and the data that passes through it.

Every value is text that restores the value exactly; see `RowSession`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from ctest_containers.model import Address, Vendor

BUCKETS: Final = 256
"""How many groups the rows of a table are divided into, by hashes of the rows; a power of two."""

BATCH_TABLES: Final = 50
"""How many tables one statement reads to compute their digests."""

BATCH_ROWS: Final = 500
BATCH_CHARACTERS: Final = 2**20
"""How much one statement inserts or deletes."""

Value = str | None
"""The text of a value; None for NULL."""

Row = tuple[Value, ...]
"""The values of a row, in the order of the table's columns."""

Digest = tuple[int, int]
"""The number of rows, and the sum of their hashes, which does not depend on their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseLocation:
    """A database to read or change.

    Attributes:
        name: Its name on the server; for SQLite, the path of its file.
        address: The address of its server; None for SQLite.
    """

    vendor: Vendor
    name: str
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        kind: Its type, as the server names it.
        is_generated: Whether the server computes it from other columns.
    """

    name: str
    kind: str
    is_generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a database.

    Attributes:
        name: Its name; with PostgreSQL, the name of its schema and its own, quoted if necessary.
        columns: All its columns, in its own order.
        key: The columns of its primary key; empty if it has none, or if that admits duplicates.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    key_positions: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        object.__setattr__(self, "key_positions", tuple(map(names.index, self.key)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(column.name for column in self.columns)

    @property
    def stored(self) -> tuple[tuple[int, Column], ...]:
        """The columns that an INSERT may name, with their positions in a row."""
        return tuple(
            (position, column)
            for position, column in enumerate(self.columns)
            if not column.is_generated
        )

    def key_of(self, row: Row) -> Row:
        """Return the values of a row's primary key."""
        return tuple(row[position] for position in self.key_positions)


class RowSession(Protocol):
    """A connection to one database, to read or change its rows.

    The text of a value depends on neither the settings of the session nor those of the server. With
    PostgreSQL, it is what the type's output function returns; with MySQL, binary values and
    geometries are hexadecimal; with SQLite, it is a literal that preserves the value's type: `1`,
    `1.5`, `'text'` or `x'00ff'`.

    Raises:
        ServerError: In each method, if the server or SQLite reports an error.
    """

    def catalog(self) -> Mapping[str, str]:
        """Return the database's objects: the definition of each, by its kind and name."""

    def tables(self) -> Sequence[Table]:
        """Return all tables that store rows, by name; partitions are part of their table.

        Tables of the system and of extensions, temporary and foreign tables are left out.
        """

    def totals(self, tables: Sequence[Table]) -> Mapping[str, Digest]:
        """Return the digest of all rows of each table, by its name."""

    def digests(self, table: Table) -> Mapping[int, Digest]:
        """Return a digest for each bucket, from 0 to `BUCKETS` - 1, that has rows.

        The hash of a row decides its bucket, so equal rows of two databases are in the same one.
        """

    def rows(self, table: Table, buckets: Collection[int]) -> Iterator[Row]:
        """Yield the rows of these buckets, in any order."""

    def counters(self) -> Mapping[str, str]:
        """Return the position of each sequence, by the name of the sequence or its table."""

    def changing(self, tables: Sequence[Table]) -> AbstractContextManager[None]:
        """Make the block one transaction in which nothing reacts to changes of these tables.

        Neither foreign keys nor triggers do. With MySQL, dropping and creating triggers commits.
        """

    def delete(self, table: Table, rows: Iterable[Row]) -> None:
        """Delete rows by their primary key, or one equal row for each if the table has no key.

        Rows that do not exist are ignored.
        """

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        """Insert rows with all their values but generated ones."""

    def set_counter(self, name: str, position: str) -> None:
        """Set a sequence to a position that `counters` returned for one of the same name."""


class OpenRows(Protocol):
    """Connects to a database."""

    def __call__(
        self, location: DatabaseLocation, *, uncommitted: bool = False, writable: bool = False
    ) -> AbstractContextManager[RowSession]:
        """Return a context manager for a session, which it closes.

        Args:
            uncommitted: Whether to read what other sessions have not committed yet. Only MySQL and
                MariaDB can do that.
            writable: Whether the session may change rows.

        Raises:
            ServerError: The database cannot be opened.
        """


def statements_for_totals(queries: Sequence[str]) -> Iterator[str]:
    """Yield statements that return a number for each query, in this order, and a digest.

    Args:
        queries: Each returns the hashes of a table's rows in a column `hash`.
    """
    numbered = [
        f"SELECT {number}, COUNT(*), COALESCE(SUM(hash), 0) FROM ({query}) AS hashes"
        for number, query in enumerate(queries)
    ]
    for start in range(0, len(numbered), BATCH_TABLES):
        yield " UNION ALL ".join(numbered[start : start + BATCH_TABLES])


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Divide rows into lists that fit in one statement each."""
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += text_size(row)
        if len(batch) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def text_size(row: Row) -> int:
    """Return the number of characters in a row's values."""
    return sum(len(value) for value in row if value is not None)


def quoted(name: str) -> str:
    """Return a name as standard SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'
