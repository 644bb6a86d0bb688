"""Notices what is committed to an SQLite database, in memory or in a file."""

from __future__ import annotations

import marshal
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any, Final

from ctest_containers.backends.observing import NO_ROWS, TableState
from ctest_containers.backends.rows import quoted
from ctest_containers.errors import ServerError
from ctest_containers.model import Address

_CONNECT: Final[Callable[..., sqlite3.Connection]] = sqlite3.connect
"""A test may replace it in its module."""

TABLES: Final = (
    "SELECT name, sql LIKE '%GENERATED%' FROM sqlite_master WHERE type = 'table'"
    " AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND sql NOT LIKE 'CREATE VIRTUAL%'"
)
"""Each table, and whether it may have generated columns."""

VERSION: Final = "PRAGMA data_version"


class SqliteObserver:
    """See `Observer`.

    A database in memory exists for as long as a connection to it does, so no connection is kept
    open: its version is the same for all that share it. That of a file is each connection's own.
    """

    def __init__(self, name: str, *, in_memory: bool) -> None:
        self._name = name
        self._in_memory = in_memory
        self._kept: sqlite3.Connection | None = None
        self._version: int | None = None

    def has_changed(self) -> bool:
        before = self._version
        try:
            if self._in_memory:
                with closing(self._connect()) as connection:
                    self._version = _version_of(connection)
            else:
                if self._kept is None:
                    before = None
                    self._kept = self._connect()
                self._version = _version_of(self._kept)
        except sqlite3.Error:
            # A test has left a lock.
            self._version = None
        return self._version is None or self._version != before

    def survey(
        self, tables: Collection[str] | None = None, session: Any = None
    ) -> Mapping[str, TableState]:
        del session
        with _as_server_errors(), closing(self._connect()) as connection:
            connection.text_factory = _text
            rows = connection.execute(TABLES).fetchall()
            chosen = [row for row in rows if tables is None or row[0] in tables]
            if any(has_generated for _, has_generated in chosen):
                _add_functions(connection)
            return {str(name): _state(connection, str(name)) for name, _ in chosen}

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _connect(self) -> sqlite3.Connection:
        return _CONNECT(self._name, uri=self._name.startswith("file:"), timeout=0.0)


def observe(_: Address | None, database: str) -> SqliteObserver:
    """Return an observer of a database.

    Raises:
        ServerError: Only its own connection can see it.
    """
    in_memory = database == ":memory:" or "mode=memory" in database
    if in_memory and "cache=shared" not in database:
        raise ServerError("Other connections cannot see a private database in memory.")
    return SqliteObserver(database, in_memory=in_memory)


def _version_of(connection: sqlite3.Connection) -> int:
    ((version,),) = connection.execute(VERSION).fetchall()
    return int(version)


def _state(connection: sqlite3.Connection, table: str) -> TableState:
    rows = connection.execute(f"SELECT * FROM {quoted(table)}").fetchall()  # noqa: S608
    if not rows:
        return NO_ROWS
    # The same rows have the same hashes in this process; version 2 has no references in it.
    return TableState(len(rows), str(sum(hash(marshal.dumps(row, 2)) for row in rows)))


def _add_functions(connection: sqlite3.Connection) -> None:
    """Add Django's own functions, which generated columns may call."""
    functions: Any = import_module("django.db.backends.sqlite3._functions")
    functions.register(connection)


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


@contextmanager
def _as_server_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ServerError(f"The SQLite database cannot be read: {error}.") from error
