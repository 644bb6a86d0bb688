"""Reads and changes the rows of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from ctest_containers.backends.postgresql.catalog import OWN_RELATION, read_catalog
from ctest_containers.backends.postgresql.session import admin_cursor
from ctest_containers.backends.rows import (
    BATCH_TABLES,
    BUCKETS,
    Column,
    DatabaseLocation,
    Digest,
    Row,
    Table,
    batches,
    quoted,
    statements_for_totals,
)

EXACT: Final = {
    "client_encoding": "UTF8",
    "search_path": "pg_catalog",  # Names in values of types such as regclass are then complete.
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "xmloption": "content",
    "lc_monetary": "C",
    "row_security": "off",
    "lock_timeout": "10s",  # A client that has locked a table may be waiting for this one.
}
"""The settings on which the text of values depends, or access to rows."""

TABLES: Final = (
    "SELECT format('%I.%I', n.nspname, c.relname), a.attname,"
    " format_type(a.atttypid, a.atttypmod), a.attgenerated <> '', a.atttypid::int8,"
    " array_position(k.conkey, a.attnum), c.relkind = 'r',"
    " c.relkind = 'r' AND pg_relation_size(c.oid) = 0"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'"
    f" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OWN_RELATION}"
    " ORDER BY 1, a.attnum"
)

SEQUENCES: Final = (
    "SELECT format('%I.%I', n.nspname, c.relname)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE c.relkind = 'S' AND {OWN_RELATION}"
)

ALWAYS_FIRING: Final = (
    "SELECT format('ALTER TABLE %%s DISABLE TRIGGER %%I', tgrelid::regclass, tgname),"
    " format('ALTER TABLE %%s ENABLE %%s TRIGGER %%I', tgrelid::regclass,"
    " CASE tgenabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, tgname)"
    " FROM pg_trigger WHERE tgenabled IN ('A', 'R') AND NOT tgisinternal"
    " AND tgrelid IN (SELECT relid FROM unnest(%s::regclass[]) t,"
    " LATERAL (SELECT t UNION SELECT p.relid FROM pg_partition_tree(t) p) AS all_of(relid))"
)
"""Statements to disable and enable the triggers that fire in the role of a replica, too."""

READ_ONLY: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

UNUSED: Final = " unused"
"""Follows the position of a sequence that will return it next."""


class PostgresqlRows:
    """See `RowSession`."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._types: tuple[int, ...] = ()
        self._only: set[str] = set()
        self._empty: set[str] = set()

    def catalog(self) -> Mapping[str, str]:
        return read_catalog(self._cursor)

    def tables(self) -> Sequence[Table]:
        self._cursor.execute(TABLES)
        columns: dict[str, list[Column]] = {}
        keys: dict[str, dict[int, str]] = {}
        types = set()
        for name, column, kind, is_generated, oid, place, is_plain, is_empty in self._cursor:
            types.add(oid)
            columns.setdefault(name, []).append(
                Column(name=column, kind=kind, is_generated=is_generated)
            )
            key = keys.setdefault(name, {})
            if place is not None:
                key[place] = column
            if is_plain:
                self._only.add(name)
            if is_empty:
                self._empty.add(name)
        self._types = tuple(types)
        return [
            Table(
                name=name,
                columns=tuple(columns[name]),
                key=tuple(keys[name][place] for place in sorted(keys[name])),
            )
            for name in columns
        ]

    def totals(self, tables: Sequence[Table]) -> Mapping[str, Digest]:
        # To find no rows, the server would also open the files of a table's indexes.
        filled = [table for table in tables if table.name not in self._empty]
        totals = {table.name: (0, 0) for table in tables}
        for statement in statements_for_totals([self._hashes(table) for table in filled]):
            self._cursor.execute(statement)
            totals |= {
                filled[number].name: (count, int(total)) for number, count, total in self._cursor
            }
        return totals

    def digests(self, table: Table) -> Mapping[int, Digest]:
        self._cursor.execute(
            f"SELECT hash & {BUCKETS - 1}, COUNT(*), SUM(hash)"
            f" FROM ({self._hashes(table)}) AS hashes GROUP BY 1"
        )
        return {bucket: (count, int(total)) for bucket, count, total in self._cursor}

    def rows(self, table: Table, buckets: Collection[int]) -> Iterator[Row]:
        with self._cursor.connection.cursor() as cursor:
            _receive_text(cursor, self._types)
            chosen = ", ".join(map(str, buckets)) or "NULL"
            cursor.execute(
                f"SELECT {_names(table)} FROM {self._source(table)}"
                f" WHERE {_hash(table)} & {BUCKETS - 1} IN ({chosen})"
            )
            yield from cursor

    def counters(self) -> Mapping[str, str]:
        self._cursor.execute(SEQUENCES)
        names = [name for (name,) in self._cursor]
        counters = {}
        for start in range(0, len(names), BATCH_TABLES):
            batch = names[start : start + BATCH_TABLES]
            self._cursor.execute(
                " UNION ALL ".join(
                    f"SELECT {number}, last_value, is_called FROM {name}"
                    for number, name in enumerate(batch)
                )
            )
            for number, last, is_called in self._cursor:
                counters[batch[number]] = str(last) if is_called else f"{last}{UNUSED}"
        return counters

    @contextmanager
    def changing(self, tables: Sequence[Table]) -> Iterator[None]:
        self._cursor.execute("BEGIN")
        self._cursor.execute("SET LOCAL session_replication_role = replica")
        self._cursor.execute(ALWAYS_FIRING, [[table.name for table in tables]])
        triggers = self._cursor.fetchall()
        for disable, _ in triggers:
            self._cursor.execute(disable)
        # Indexes, generated columns and constraints may call functions that depend on it.
        self._cursor.execute("SET LOCAL search_path TO DEFAULT")
        # An error closes the connection, and so undoes everything.
        yield
        for _, enable in triggers:
            self._cursor.execute(enable)
        self._cursor.execute("COMMIT")

    def delete(self, table: Table, rows: Iterable[Row]) -> None:
        if not table.key:
            for row in rows:
                self._delete_one(table, row)
            return
        key = ", ".join(_escaped(name) for name in table.key)
        holder = f"({', '.join(['%s'] * len(table.key))})"
        for batch in batches(table.key_of(row) for row in rows):
            self._cursor.execute(
                f"DELETE FROM {self._target(table)}"
                f" WHERE ({key}) IN ({', '.join([holder] * len(batch))})",
                [value for values in batch for value in values],
            )

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        stored = table.stored
        names = ", ".join(_escaped(column.name) for _, column in stored)
        holder = f"({', '.join(['%s'] * len(stored))})"
        target = table.name.replace("%", "%%")
        for batch in batches(rows):
            self._cursor.execute(
                f"INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE"
                f" VALUES {', '.join([holder] * len(batch))}",
                [row[position] for row in batch for position, _ in stored],
            )

    def set_counter(self, name: str, position: str) -> None:
        last = position.removesuffix(UNUSED)
        self._cursor.execute(
            "SELECT setval(%s::regclass, %s::int8, %s)", [name, last, last == position]
        )

    def _delete_one(self, table: Table, row: Row) -> None:
        """Delete a row whose text is that of this one."""
        target = self._target(table)
        kinds = ", ".join("%s::" + column.kind.replace("%", "%%") for column in table.columns)
        text = _row_text(table).replace("%", "%%")
        self._cursor.execute(
            f"DELETE FROM {target} WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM {target}"
            f" WHERE {text} = ROW({kinds})::text LIMIT 1)",
            list(row),
        )

    def _hashes(self, table: Table) -> str:
        return f"SELECT {_hash(table)} AS hash FROM {self._source(table)}"

    def _source(self, table: Table) -> str:
        """Return the table for FROM, without those that inherit from it."""
        return f"ONLY {table.name}" if table.name in self._only else table.name

    def _target(self, table: Table) -> str:
        """Return the same for a statement with parameters."""
        return self._source(table).replace("%", "%%")


@contextmanager
def open_rows(
    location: DatabaseLocation, *, uncommitted: bool = False, writable: bool = False
) -> Iterator[PostgresqlRows]:
    """See `OpenRows`."""
    with exact_cursor(location) as cursor:
        if not writable:
            cursor.execute(READ_ONLY)
        yield PostgresqlRows(cursor)


@contextmanager
def exact_cursor(location: DatabaseLocation) -> Iterator[Any]:
    """Yield a cursor of a session in which the text of a value depends on nothing else."""
    assert location.address is not None
    with admin_cursor(location.address, location.name) as cursor:
        for name, value in EXACT.items():
            cursor.execute(f"SET {name} = '{value}'")
        cursor.connection.set_client_encoding(EXACT["client_encoding"])
        yield cursor


def _receive_text(cursor: Any, types: tuple[int, ...]) -> None:
    """Make a cursor return values of these types as the server's text."""
    from psycopg2.extensions import new_type, register_type

    if types:
        register_type(new_type(types, "TEXT", lambda value, _: value), cursor)


def _hash(table: Table) -> str:
    """Return an expression for a hash of a row of 64 bits."""
    return f"hashtextextended({_row_text(table)}, 0)"


def _row_text(table: Table) -> str:
    """Return an expression for the text of a row."""
    return f'ROW({_names(table)})::text COLLATE "C"'


def _names(table: Table) -> str:
    return ", ".join(quoted(column.name) for column in table.columns)


def _escaped(name: str) -> str:
    """Return a quoted name for a statement with parameters."""
    return quoted(name).replace("%", "%%")
