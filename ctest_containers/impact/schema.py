"""Decides which statements a difference between the databases of two templates can reach."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol


class Access(Enum):
    """What a statement does with a table."""

    READ = "read"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


WRITES: Final = frozenset({Access.INSERT, Access.UPDATE, Access.DELETE})
ALL: Final = WRITES | {Access.READ}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange:
    """A difference between the databases of two templates, and the statements that it can reach.

    It reaches every statement if it names neither a table nor a function.

    Attributes:
        alias: The database's alias.
        text: What differs: `the column isbn of shop_book was added`.
        table: The table that statements name, in lower case and without its schema.
        function: The function that statements call, in the same way.
        accesses: What statements that it reaches do with the table, whatever columns they name.
        columns: Other statements are reached if they name one of these columns, or all columns;
            None if they are not reached at all.
    """

    alias: str
    text: str
    table: str = ""
    function: str = ""
    accesses: frozenset[Access] = ALL
    columns: frozenset[str] | None = None


class Touched(Protocol):
    """What a statement may touch, as `ctest_containers.statements` has it."""

    @property
    def kind(self) -> str:
        """What it does: `select`, `insert`, `update`, `delete`, `ddl` or `other`."""

    @property
    def read(self) -> Collection[str]:
        """Tables that it reads."""

    @property
    def written(self) -> Collection[str]:
        """Tables whose rows or definition it changes."""

    @property
    def inserted(self) -> Collection[str]:
        """Those of them into which it inserts rows."""

    @property
    def columns(self) -> Mapping[str, Collection[str]]:
        """The columns that it names, by table."""

    @property
    def whole(self) -> Collection[str]:
        """Tables of which each column counts."""

    @property
    def calls(self) -> Collection[str]:
        """Functions that it calls."""

    @property
    def anything(self) -> bool:
        """Whether it may touch any table."""


def touches(change: SchemaChange, statement: Touched) -> bool:
    """Return whether a change can reach a statement that was sent to the change's database."""
    if statement.anything:
        return True
    if change.function:
        return change.function in statement.calls
    if not change.table:
        return bool(statement.read or statement.written or statement.calls)
    if not change.accesses.isdisjoint(_accesses(statement, change.table)):
        return True
    if change.columns is None:
        return False
    return change.table in statement.whole or not change.columns.isdisjoint(
        statement.columns.get(change.table, ())
    )


def folded(name: str) -> str:
    """Return the name of a table or function as changes have it."""
    return name.rpartition(".")[2].lower()


def _accesses(statement: Touched, table: str) -> Iterator[Access]:
    """Yield what a statement may do with a table."""
    if table in statement.read:
        yield Access.READ
    if table in statement.inserted:
        yield Access.INSERT
    if table not in statement.written:
        return
    if statement.kind not in {"insert", "update", "delete"} or len(statement.written) > 1:
        # It alters the table, or is only one of several statements in one.
        yield from WRITES
    elif statement.kind != "insert":
        yield Access(statement.kind)
