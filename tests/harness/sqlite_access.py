"""What SQLite itself says that a statement reads and writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ctest_containers.statements.touched import Touched


@dataclass
class Access:
    """The tables and columns that SQLite asks permission for when it prepares a statement."""

    read: set[tuple[str, str]] = field(default_factory=set)
    updated: set[tuple[str, str]] = field(default_factory=set)
    inserted: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def __call__(self, action: int, name: str | None, column: str | None, *_: str | None) -> int:
        table = (name or "").lower()
        if table.startswith("sqlite_"):
            pass
        elif action == sqlite3.SQLITE_READ:
            self.read.add((table, (column or "").lower()))
        elif action == sqlite3.SQLITE_UPDATE:
            self.updated.add((table, (column or "").lower()))
        elif action == sqlite3.SQLITE_INSERT:
            self.inserted.add(table)
        elif action == sqlite3.SQLITE_DELETE:
            self.deleted.add(table)
        return sqlite3.SQLITE_OK


def access_of(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()) -> Access:
    """What a statement accesses; it is not executed."""
    access = Access()
    connection.set_authorizer(access)
    try:
        connection.execute(f"EXPLAIN {sql}", parameters)
    finally:
        connection.set_authorizer(None)
    return access


def assert_covers(touched: Touched, access: Access, text: str, *, tables: frozenset[str]) -> None:
    """Fail if a statement touches more than is known of it, or if it is not known at all.

    Args:
        tables: The tables of the database: SQLite reports reads of CTEs and subqueries as well.
    """
    written = access.inserted | access.deleted | {table for table, _ in access.updated}
    assert not touched.anything, text
    assert written <= touched.written, text
    assert access.inserted <= touched.inserted, text
    assert {table for table, _ in access.read} & tables <= touched.tables <= tables, text
    for table, column in access.read | access.updated:
        if table in tables and table not in touched.whole:
            # The key of a row is read to find it, whatever the statement names.
            assert column in touched.columns[table] | {"", "id", "rowid"}, f"{text}: {column}"
