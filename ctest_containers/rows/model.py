"""What differs between the rows of two databases with the same schema."""

from __future__ import annotations

from dataclasses import dataclass

from ctest_containers.backends.rows import Row
from ctest_containers.model import Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """A row whose values changed, but not its primary key."""

    before: Row
    after: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """The rows of a table that differ.

    Attributes:
        name: The name of the table; see `backends.rows.Table`.
        columns: The names of its columns, in the order of the values in each row.
        key: The columns of its primary key. Empty if it has none: rows are then compared as a
            whole, and none is changed.
        before: The number of all its rows before.
        after: The number of all its rows after.
        is_listed: Whether rows are listed; False if too many differ.
        added: The rows that only the database after has.
        changed: The rows that both have with different values.
        removed: The rows that only the database before has.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    before: int
    after: int
    is_listed: bool = True
    added: tuple[Row, ...] = ()
    changed: tuple[RowChange, ...] = ()
    removed: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterChange:
    """A sequence, or the automatic numbers of a table, in a different position.

    Attributes:
        name: The name of the sequence (PostgreSQL) or of the table.
        before: The position as the vendor counts it. PostgreSQL and SQLite: the last number; with
            ` unused`, the next one. MySQL and MariaDB: the next number.
    """

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseDifference:
    """What differs between two databases; without it, they have the same rows.

    Attributes:
        schema: A line for each object that only one has or that differs, as `template diff` prints
            it without the database. Tables whose columns differ are only here.
        tables: The tables with rows that differ, by name.
        counters: The sequences in different positions, by name.
    """

    vendor: Vendor
    schema: tuple[str, ...] = ()
    tables: tuple[TableDifference, ...] = ()
    counters: tuple[CounterChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.schema or self.tables or self.counters)

    @property
    def is_complete(self) -> bool:
        """Whether applying it restores the database after: it lists all rows, and no schema."""
        return not self.schema and all(table.is_listed for table in self.tables)
