"""Reads and changes the rows of a MySQL or MariaDB database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from ctest_containers.backends.mysql.catalog import OWN_TABLES, quoted, read_catalog
from ctest_containers.backends.mysql.session import exact_cursor
from ctest_containers.backends.rows import (
    BUCKETS,
    Column,
    DatabaseLocation,
    Digest,
    Row,
    Table,
    Value,
    batches,
    statements_for_totals,
)

TEXT: Final = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
LABELS: Final = frozenset({"enum", "set"})
BINARY: Final = frozenset(
    {
        *("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector"),
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
        *("multipolygon", "geometrycollection", "geomcollection"),
    }
)
INTEGERS: Final = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "bit", "year"})
NUMBERS: Final = INTEGERS | {"decimal"}
FLOATS: Final = frozenset({"float", "double"})

COLUMNS: Final = (
    "SELECT table_name, column_name, data_type, generation_expression <> ''"
    " FROM information_schema.columns WHERE table_schema = %s ORDER BY table_name, ordinal_position"
)
KEYS: Final = (
    "SELECT table_name, column_name FROM information_schema.key_column_usage"
    " WHERE table_schema = %s AND constraint_name = 'PRIMARY'"
    " ORDER BY table_name, ordinal_position"
)
COUNTERS: Final = (
    "SELECT t.table_name, t.auto_increment FROM information_schema.tables t"
    " JOIN information_schema.columns c"
    " ON c.table_schema = t.table_schema AND c.table_name = t.table_name"
    " WHERE t.table_schema = %s AND c.extra LIKE '%auto_increment%'"
)
TRIGGERS: Final = (
    "SELECT trigger_name, event_object_table FROM information_schema.triggers"
    " WHERE trigger_schema = %s ORDER BY event_object_table, action_timing, event_manipulation,"
    " action_order"
)


class MysqlRows:
    """See `RowSession`."""

    def __init__(self, cursor: Any, database: str) -> None:
        self._cursor = cursor
        self._database = database

    def catalog(self) -> Mapping[str, str]:
        return read_catalog(self._cursor, self._database)

    def tables(self) -> Sequence[Table]:
        own = {name for (name,) in self._of_database(OWN_TABLES)}
        columns: dict[str, list[Column]] = {}
        for name, column, kind, is_generated in self._of_database(COLUMNS):
            columns.setdefault(name, []).append(
                Column(name=column, kind=kind.lower(), is_generated=bool(is_generated))
            )
        keys: dict[str, list[str]] = {}
        for name, column in self._of_database(KEYS):
            keys.setdefault(name, []).append(column)
        return [
            Table(name=name, columns=tuple(columns[name]), key=tuple(keys.get(name, ())))
            for name in columns
            if name in own
        ]

    def totals(self, tables: Sequence[Table]) -> Mapping[str, Digest]:
        totals: dict[str, Digest] = {}
        for statement in statements_for_totals([self._hashes(table) for table in tables]):
            self._cursor.execute(statement)
            totals |= {
                tables[int(number)].name: (int(count), int(total))
                for number, count, total in self._cursor.fetchall()
            }
        return totals

    def digests(self, table: Table) -> Mapping[int, Digest]:
        self._cursor.execute(
            f"SELECT hash & {BUCKETS - 1}, COUNT(*), SUM(hash)"
            f" FROM ({self._hashes(table)}) AS hashes GROUP BY 1"
        )
        return {
            int(bucket): (int(count), int(total))
            for bucket, count, total in self._cursor.fetchall()
        }

    def rows(self, table: Table, buckets: Collection[int]) -> Iterator[Row]:
        chosen = ", ".join(map(str, buckets)) or "NULL"
        self._cursor.execute(
            f"SELECT {', '.join(map(text_of, table.columns))} FROM {self._place(table)}"
            f" WHERE {_hash(table)} & {BUCKETS - 1} IN ({chosen})"
        )
        for row in self._cursor:
            yield tuple(map(_decoded, row))

    def counters(self) -> Mapping[str, str]:
        # A table that has never had a row may have no number yet.
        return {name: str(number or 1) for name, number in self._of_database(COUNTERS)}

    @contextmanager
    def changing(self, tables: Sequence[Table]) -> Iterator[None]:
        self._cursor.execute(f"USE {quoted(self._database)}")
        changed = {table.name for table in tables}
        triggers = [name for name, table in self._of_database(TRIGGERS) if table in changed]
        statements = [self._creation(name) for name in triggers]
        for name in triggers:
            self._cursor.execute(f"DROP TRIGGER {quoted(name)}")
        try:
            self._cursor.execute("START TRANSACTION")
            yield
            self._cursor.execute("COMMIT")
        finally:
            self._cursor.execute("ROLLBACK")
            for statement in statements:
                self._create(*statement)

    def delete(self, table: Table, rows: Iterable[Row]) -> None:
        place = self._place(table)
        if not table.key:
            same = " AND ".join(
                f"CAST({text_of(column)} AS BINARY) <=> CAST(%s AS BINARY)"
                for column in table.columns
            )
            for row in rows:
                self._cursor.execute(f"DELETE FROM {place} WHERE {same} LIMIT 1", row)
            return
        columns = [table.columns[position] for position in table.key_positions]
        names = ", ".join(quoted(name) for name in table.key)
        holder = f"({', '.join(map(_holder, columns))})"
        for batch in batches(table.key_of(row) for row in rows):
            self._cursor.execute(
                f"DELETE FROM {place} WHERE ({names}) IN ({', '.join([holder] * len(batch))})",
                [
                    _parameter(column, value)
                    for key in batch
                    for column, value in zip(columns, key, strict=True)
                ],
            )

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        stored = table.stored
        names = ", ".join(quoted(column.name) for _, column in stored)
        holder = f"({', '.join(_holder(column) for _, column in stored)})"
        for batch in batches(rows):
            self._cursor.execute(
                f"INSERT INTO {self._place(table)} ({names})"
                f" VALUES {', '.join([holder] * len(batch))}",
                [_parameter(column, row[position]) for row in batch for position, column in stored],
            )

    def set_counter(self, name: str, position: str) -> None:
        self._cursor.execute(
            f"ALTER TABLE {quoted(self._database)}.{quoted(name)} AUTO_INCREMENT = {int(position)}"
        )

    def _of_database(self, query: str) -> list[Any]:
        self._cursor.execute(query, (self._database,))
        return [tuple(map(_decoded, row)) for row in self._cursor.fetchall()]

    def _hashes(self, table: Table) -> str:
        return f"SELECT {_hash(table)} AS hash FROM {self._place(table)}"

    def _place(self, table: Table) -> str:
        return f"{quoted(self._database)}.{quoted(table.name)}"

    def _creation(self, trigger: str) -> tuple[str, ...]:
        """Return the statement that creates a trigger, and the settings that it keeps."""
        self._cursor.execute(f"SHOW CREATE TRIGGER {quoted(trigger)}")
        _, mode, statement, client, collation, *_ = self._cursor.fetchone()
        return str(statement), _setting(mode), str(client), str(collation)

    def _create(self, statement: str, mode: str, client: str, collation: str) -> None:
        self._cursor.execute(
            "SET @kept = @@sql_mode, @client = @@character_set_client,"
            " @collation = @@collation_connection"
        )
        self._cursor.execute(
            "SET sql_mode = %s, character_set_client = %s, collation_connection = %s",
            (mode, client, collation),
        )
        self._cursor.execute(statement)
        self._cursor.execute(
            "SET sql_mode = @kept, character_set_client = @client,"
            " collation_connection = @collation"
        )


@contextmanager
def open_rows(
    location: DatabaseLocation, *, uncommitted: bool = False, writable: bool = False
) -> Iterator[MysqlRows]:
    """See `OpenRows`."""
    assert location.address is not None
    with exact_cursor(location.address) as cursor:
        if uncommitted:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
        yield MysqlRows(cursor, location.name)


def text_of(column: Column) -> str:
    """Return an expression for the text of a column's value, in UTF-8."""
    name = quoted(column.name)
    if column.kind in BINARY:
        return f"HEX({name})"
    if column.kind in TEXT or column.kind in LABELS:
        return f"CONVERT({name} USING utf8mb4)"
    if column.kind == "float":
        # The server's own text has fewer digits than a FLOAT. That of a DOUBLE has enough, unless
        # it is the result of an operation.
        return f"CAST({name} + 0e0 AS CHAR)"
    if column.kind == "bit":
        return f"CAST(CAST({name} AS UNSIGNED) AS CHAR)"
    return f"CAST({name} AS CHAR)"


def _hash(table: Table) -> str:
    """Return an expression for a hash of a row of 64 bits."""
    return hash_of(map(short_text_of, table.columns))


def hash_of(texts: Iterable[str]) -> str:
    """Return an expression for a hash of 64 bits of expressions without commas."""
    values = ", ".join(f"IFNULL({text}, 'N')" for text in texts)
    return f"CAST(CONV(LEFT(MD5(CONCAT_WS(',', {values})), 16), 16, 10) AS UNSIGNED)"


def short_text_of(column: Column) -> str:
    """Return an expression that differs for values that differ, and has no comma.

    It is short, because the server returns NULL for text that is longer than a packet.
    """
    if column.kind in BINARY or column.kind in TEXT:
        return f"MD5({quoted(column.name)})"
    if column.kind in NUMBERS or column.kind in FLOATS:
        return text_of(column)
    return f"MD5({text_of(column)})"


def _holder(column: Column) -> str:
    """Return the placeholder for a value of a column."""
    return "UNHEX(%s)" if column.kind in BINARY else "%s"


def _parameter(column: Column, value: Value) -> str | int | Decimal | None:
    """Return a value for a placeholder.

    The server would compare a number with text as floating-point numbers, without an index.
    """
    if value is None or column.kind not in NUMBERS:
        return value
    return int(value) if column.kind in INTEGERS else Decimal(value)


def _decoded(value: Any) -> Any:
    """Return a value with its text decoded; the driver leaves some collations undecoded."""
    return value.decode() if isinstance(value, bytes | bytearray) else value


def _setting(mode: object) -> str:
    """Return a mode as SQL has it; the driver returns a set."""
    return ",".join(sorted(mode)) if isinstance(mode, set) else str(mode)
