"""The interface to the schema of a database and to digests of its rows, and its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

from ctest_containers.backends.rows import DatabaseLocation, Table

LIMIT_BY_COLUMN: Final = 100_000
"""If a table has more rows, they have one digest instead of one for each column."""

LIMIT_ROWS: Final = 2_000_000
"""If a table has more rows, they have no digest."""

WHOLE: Final = ""
"""The name under which rows have one digest for all columns."""


class Kind(Enum):
    """What an object of a schema is, as far as that decides which statements it can influence."""

    TABLE = "table"
    COLUMN = "column"
    INDEX = "index"
    CONSTRAINT = "constraint"
    REFERENCE = "foreign key"
    TRIGGER = "trigger"
    POLICY = "policy"
    SEQUENCE = "sequence"
    VIEW = "view"
    PARTITION = "partition"
    FUNCTION = "function"
    OTHER = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaObject:
    """An object of a database.

    Attributes:
        name: Its name; for kinds that have no class of their own, the kind comes first.
        definition: How the server describes it; equal objects have equal definitions.
        table: The table that it belongs to, as in `Table`; a table's or view's own name; the parent
            of a partition; empty if it belongs to none.
        columns: The columns of a foreign key; those of an index if the server uses it only for
            queries that name one of them.
        refers: The table that a foreign key or a partition refers to.
        cascades: Whether deletions and updates of that table change or delete rows of this one.
    """

    kind: Kind
    name: str
    definition: str
    table: str = ""
    columns: tuple[str, ...] = ()
    refers: str = ""
    cascades: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time of a build, in which clocks gave values that another build gets differently.

    Attributes:
        begin, end: Timestamps in UTC: `2026-01-31 12:00:00.000000`.
    """

    begin: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """The rows of a table, whatever their order.

    Attributes:
        key: The columns of the primary key.
        columns: For each column, a digest of its values and their rows' primary keys; without a
            primary key or for many rows, one digest by the name `WHOLE`.
        undated: For columns with values that clocks gave during the build, the digest that the
            column has without these values.
    """

    count: int
    key: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    undated: Mapping[str, str] = field(default_factory=dict)


def from_sums(
    count: int,
    key: tuple[str, ...],
    names: Sequence[str],
    dated: Sequence[str],
    sums: Iterable[Any],
) -> TableRows:
    """Return the digests of rows, given sums of hashes.

    Args:
        sums: The sums for columns `names`, followed by those for `dated` without clocks' values.
    """
    texts = list(map(str, sums))
    columns = dict(zip(names, texts, strict=False))
    undated = dict(zip(dated, texts[len(names) :], strict=True))
    return TableRows(
        count=count,
        key=key,
        columns=columns,
        undated={name: total for name, total in undated.items() if total != columns[name]},
    )


class SchemaSession(Protocol):
    """A connection to one database, to summarize it.

    Raises:
        ServerError: In each method, if the server or SQLite reports an error.
    """

    def objects(self) -> Iterable[SchemaObject]:
        """Return all objects of the database, columns in the order of their tables."""

    def tables(self) -> Sequence[Table]:
        """See `RowSession`; the names are those of `SchemaObject`."""

    def digests_of(self, table: Table, period: Period | None) -> TableRows | None:
        """Return digests of the rows of a table; None if there are too many.

        Args:
            period: When clocks gave values; None if they gave none.
        """


class OpenSchema(Protocol):
    """Connects to a database."""

    def __call__(self, location: DatabaseLocation) -> AbstractContextManager[SchemaSession]:
        """Return a context manager for a session, which it closes.

        Raises:
            ServerError: The database cannot be opened.
        """
