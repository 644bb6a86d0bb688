"""Reads and changes the rows of an SQLite database in a file.

SQLite stores a type with each value, whatever the type of the column, and text may contain any
bytes: see `RowSession` for the literals that preserve both.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

from ctest_containers.backends.rows import (
    BUCKETS,
    Column,
    DatabaseLocation,
    Digest,
    Row,
    Table,
    quoted,
)
from ctest_containers.backends.sqlite_catalog import read_catalog
from ctest_containers.errors import ServerError

TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    # The rows of a virtual table are in other tables, or nowhere.
    " AND sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY name"
)
ROW_NUMBERS: Final = ("rowid", "oid", "_rowid_")
"""The names of the row number, unless a column has the name."""

UNUSED: Final = "0"
"""The counter of a table that has never had a row."""


class SqliteRows:
    """See `RowSession`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def catalog(self) -> Mapping[str, str]:
        with self._plain_text():
            return read_catalog(self._connection)

    def tables(self) -> Sequence[Table]:
        return [self._table(name) for (name,) in self._plain(TABLES)]

    def totals(self, tables: Sequence[Table]) -> Mapping[str, Digest]:
        totals = {}
        for table in tables:
            digests = self.digests(table).values()
            totals[table.name] = (
                sum(count for count, _ in digests),
                sum(total for _, total in digests),
            )
        return totals

    def digests(self, table: Table) -> Mapping[int, Digest]:
        digests: dict[int, Digest] = {}
        for row in self._stored_rows(table):
            number = hash_of(row)
            count, total = digests.get(number % BUCKETS, (0, 0))
            digests[number % BUCKETS] = (count + 1, total + number)
        return digests

    def rows(self, table: Table, buckets: Collection[int]) -> Iterator[Row]:
        for row in self._stored_rows(table):
            if hash_of(row) % BUCKETS in buckets:
                yield tuple(map(_literal, row))

    def counters(self) -> Mapping[str, str]:
        if not self._plain("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            return {}
        counters = {name: UNUSED for (name,) in self._plain(TABLES)}
        counters |= {
            name: str(number)
            for name, number in self._plain("SELECT name, seq FROM sqlite_sequence")
            if name in counters
        }
        return counters

    @contextmanager
    def changing(self, tables: Sequence[Table]) -> Iterator[None]:
        changed = {table.name for table in tables}
        self._connection.execute("BEGIN IMMEDIATE")
        triggers = [
            (name, sql)
            for name, table, sql in self._plain(
                "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
            )
            if table in changed
        ]
        for name, _ in triggers:
            self._connection.execute(f"DROP TRIGGER {quoted(name)}")
        # An error closes the connection, and so undoes everything.
        yield
        for _, sql in triggers:
            self._connection.execute(sql)
        self._connection.execute("COMMIT")

    def delete(self, table: Table, rows: Iterable[Row]) -> None:
        if not table.key:
            self._delete_equal(table, rows)
            return
        for row in rows:
            holders, parameters = _parameters(table.key_of(row))
            same = " AND ".join(
                f"{quoted(name)} IS {holder}"
                for name, holder in zip(table.key, holders, strict=True)
            )
            self._connection.execute(f"DELETE FROM {quoted(table.name)} WHERE {same}", parameters)

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        stored = table.stored
        names = ", ".join(quoted(column.name) for _, column in stored)
        for row in rows:
            holders, parameters = _parameters(tuple(row[position] for position, _ in stored))
            self._connection.execute(
                f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({', '.join(holders)})",
                parameters,
            )

    def set_counter(self, name: str, position: str) -> None:
        self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
        if position != UNUSED:
            self._connection.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [name, int(position)]
            )

    @contextmanager
    def _plain_text(self) -> Iterator[None]:
        """Receive text as it is, for queries about the schema."""
        self._connection.text_factory = str
        try:
            yield
        finally:
            self._connection.text_factory = _text_literal

    def _plain(self, query: str, parameters: Sequence[str] = ()) -> list[Any]:
        with self._plain_text():
            return self._connection.execute(query, parameters).fetchall()

    def _table(self, name: str) -> Table:
        columns, key = [], []
        for column, kind, is_required, place, hidden in self._plain(
            'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', [name]
        ):
            columns.append(Column(name=column, kind=kind, is_generated=hidden in {2, 3}))
            if place:
                # Otherwise, several rows may have NULL in it.
                is_unique = is_required or kind.upper() == "INTEGER"
                key.append((place, column, is_unique))
        is_key = all(is_unique for *_, is_unique in key)
        return Table(
            name=name,
            columns=tuple(columns),
            key=tuple(column for _, column, _ in sorted(key)) if is_key else (),
        )

    def _stored_rows(self, table: Table, *more: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, with text as literals; bytes are then always a BLOB."""
        names = ", ".join([*more, *(quoted(column.name) for column in table.columns)])
        yield from self._connection.execute(f"SELECT {names} FROM {quoted(table.name)}")

    def _delete_equal(self, table: Table, rows: Iterable[Row]) -> None:
        left = Counter(rows)
        if not left:
            return
        names = {column.name.lower() for column in table.columns}
        number_name = next(name for name in ROW_NUMBERS if name not in names)
        numbers = []
        for number, *values in self._stored_rows(table, number_name):
            row = tuple(map(_literal, values))
            if left[row]:
                left[row] -= 1
                numbers.append((number,))
        self._connection.executemany(
            f"DELETE FROM {quoted(table.name)} WHERE {number_name} = ?", numbers
        )


@contextmanager
def open_rows(
    location: DatabaseLocation, *, uncommitted: bool = False, writable: bool = False
) -> Iterator[SqliteRows]:
    """See `OpenRows`."""
    with open_connection(location.name, "rw" if writable else "ro") as connection:
        yield SqliteRows(connection)


@contextmanager
def open_connection(file: str, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """Connect to the database in a file.

    Raises:
        ServerError: It cannot be opened, or SQLite reports an error in the block.
    """
    from django.db.backends.sqlite3._functions import register  # type: ignore[import-untyped]

    try:
        connection = sqlite3.connect(
            f"file:{quote(file)}?mode={mode}", uri=True, isolation_level=None
        )
        # Indexes, generated columns and constraints may call Django's functions, and constraints
        # those of the project, too.
        register(connection)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.text_factory = _text_literal
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ServerError(f"SQLite reported an error in {file}: {error}") from error


def _text_literal(text: bytes) -> str:
    """Return the literal of a text, in which undecodable bytes are lone surrogates."""
    return "'" + text.decode("utf-8", "surrogateescape").replace("'", "''") + "'"


def _literal(value: Any) -> str | None:
    """Return the literal of a value whose text is one already."""
    if value is None or isinstance(value, str):
        return value
    return f"x'{value.hex()}'" if isinstance(value, bytes) else repr(value)


def _parameters(values: Row) -> tuple[list[str], list[Any]]:
    """Return placeholders and parameters for the values of literals."""
    holders, parameters = [], []
    for value in values:
        holder, parameter = _parameter(value)
        holders.append(holder)
        parameters.append(parameter)
    return holders, parameters


def _parameter(literal: str | None) -> tuple[str, Any]:
    if literal is None:
        return "?", None
    if literal.startswith("x'"):
        return "?", bytes.fromhex(literal[2:-1])
    if literal.startswith("'"):
        text = literal[1:-1].replace("''", "'")
        try:
            text.encode()
        except UnicodeEncodeError:
            # The driver refuses text that is not UTF-8.
            return "CAST(? AS TEXT)", text.encode("utf-8", "surrogateescape")
        return "?", text
    try:
        return "?", int(literal)
    except ValueError:
        return "?", float(literal)


def hash_of(row: tuple[Any, ...]) -> int:
    """Return a hash of a row of 64 bits; `repr` preserves the types of its values."""
    digest = hashlib.blake2b(repr(row).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
