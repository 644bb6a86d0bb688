"""Describes a MySQL or MariaDB database for its summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from ctest_containers.backends.mysql.catalog import (
    DATABASE,
    ROUTINES,
    TRIGGERS,
    VIEWS,
    objects_of_table,
    quoted,
)
from ctest_containers.backends.mysql.rows import (
    MysqlRows,
    hash_of,
    short_text_of,
)
from ctest_containers.backends.mysql.session import exact_cursor
from ctest_containers.backends.rows import Column, DatabaseLocation, Table
from ctest_containers.backends.schema import (
    LIMIT_BY_COLUMN,
    LIMIT_ROWS,
    WHOLE,
    Kind,
    Period,
    SchemaObject,
    TableRows,
    from_sums,
)

TABLES: Final = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    " AND table_type NOT IN ('VIEW', 'SYSTEM VIEW', 'SEQUENCE')"
)
OTHERS: Final = (
    (
        "SELECT CONCAT('event ', event_name), CONCAT_WS(' ', event_definition, interval_value,"
        " interval_field, execute_at, status) FROM information_schema.events"
        " WHERE event_schema = %s"
    ),
    (
        "SELECT CONCAT('privileges of ', grantee), GROUP_CONCAT(privilege_type ORDER BY 1)"
        " FROM information_schema.schema_privileges WHERE table_schema = %s GROUP BY grantee"
    ),
    (
        "SELECT CONCAT('privileges of ', grantee, ' for ', table_name),"
        " GROUP_CONCAT(privilege_type ORDER BY 1)"
        " FROM information_schema.table_privileges WHERE table_schema = %s"
        " GROUP BY grantee, table_name"
    ),
)
"""Names and definitions of other objects."""

SEQUENCES: Final = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = %s AND table_type = 'SEQUENCE'"
)
REFERENCE: Final = re.compile(
    r"FOREIGN KEY \((?P<columns>[^)]*)\) REFERENCES (?:`(?:[^`]|``)+`\.)?`(?P<table>(?:[^`]|``)+)`"
)
NAME: Final = re.compile(r"`((?:[^`]|``)+)`")
CASCADES: Final = re.compile(r"ON (?:DELETE|UPDATE) (?:CASCADE|SET)")
POSITION: Final = re.compile(r"\d+ ")


class MysqlSchema(MysqlRows):
    """See `SchemaSession`."""

    def objects(self) -> Iterable[SchemaObject]:
        for facts in self._of_database(DATABASE):
            yield _other("database", facts)
        self._cursor.execute("SELECT VERSION(), @@GLOBAL.sql_mode, @@GLOBAL.time_zone")
        yield _other("server", self._cursor.fetchone())
        counters = self.counters()
        for (table,) in self._of_database(TABLES):
            self._cursor.execute(f"SHOW CREATE TABLE {quoted(self._database)}.{quoted(table)}")
            _, statement, *_ = self._cursor.fetchone()
            for name, definition in objects_of_table(table, str(statement)).items():
                kind, _, own_name = name.partition(" ")
                own_name = own_name.removeprefix(f"{table}.").replace("``", "`")
                yield _of_table(table, kind, own_name, definition)
            if table in counters:
                yield SchemaObject(
                    kind=Kind.SEQUENCE,
                    name=f"counter of {table}",
                    definition=counters[table],
                    table=table,
                )
        for name, *facts in self._of_database(VIEWS):
            # The server completes the names of tables.
            text = _text(facts).replace(f"{quoted(self._database)}.", "")
            yield SchemaObject(kind=Kind.VIEW, name=name, definition=text, table=name)
        for name, table, *facts in self._of_database(TRIGGERS):
            yield SchemaObject(kind=Kind.TRIGGER, name=name, definition=_text(facts), table=table)
        for name, *facts in self._of_database(ROUTINES):
            yield SchemaObject(kind=Kind.FUNCTION, name=name, definition=_text(facts))
        for query in OTHERS:
            for name, *facts in self._of_database(query):
                yield _other(name, facts)
        for (name,) in self._of_database(SEQUENCES):
            self._cursor.execute(f"SELECT * FROM {quoted(self._database)}.{quoted(name)}")
            yield _other(f"sequence {name}", self._cursor.fetchone())

    def digests_of(self, table: Table, period: Period | None) -> TableRows | None:
        place = self._place(table)
        self._cursor.execute(f"SELECT COUNT(*) FROM {place}")
        (count,) = self._cursor.fetchone()
        if not count or count > LIMIT_ROWS:
            return None if count else TableRows(count=0)
        key = table.key if count <= LIMIT_BY_COLUMN else ()
        of_key = [short_text_of(table.columns[position]) for position in table.key_positions]
        names = table.names if key else (WHOLE,)
        columns = list(map(short_text_of, table.columns))
        sums = [_sum([*of_key, text]) for text in columns] if key else [_sum(columns)]
        dated = [column for column in table.columns if key and _has_clock(column, period)]
        if period is not None:
            sums += [_sum([*of_key, _undated(column, period)]) for column in dated]
        self._cursor.execute(f"SELECT {', '.join(sums)} FROM {place}")
        names_of_dated = [column.name for column in dated]
        return from_sums(count, key, names, names_of_dated, self._cursor.fetchone())


@contextmanager
def open_schema(location: DatabaseLocation) -> Iterator[MysqlSchema]:
    """See `OpenSchema`."""
    assert location.address is not None
    with exact_cursor(location.address) as cursor:
        yield MysqlSchema(cursor, location.name)


def _of_table(table: str, kind: str, name: str, definition: str) -> SchemaObject:
    """Return the object of a line of CREATE TABLE."""
    if kind == "table":
        return SchemaObject(kind=Kind.TABLE, name=table, definition=definition, table=table)
    if kind == "column":
        # The order of columns says where they are.
        text = POSITION.sub("", definition, count=1)
        return SchemaObject(kind=Kind.COLUMN, name=name, definition=text, table=table)
    if (match := REFERENCE.search(definition)) is not None:
        return SchemaObject(
            kind=Kind.REFERENCE,
            name=name,
            definition=definition,
            table=table,
            columns=tuple(name.replace("``", "`") for name in NAME.findall(match["columns"])),
            refers=match["table"].replace("``", "`"),
            cascades=CASCADES.search(definition) is not None,
        )
    index = Kind.INDEX if kind == "key" else Kind.CONSTRAINT
    return SchemaObject(kind=index, name=name, definition=definition, table=table)


def _other(name: str, facts: Iterable[Any]) -> SchemaObject:
    return SchemaObject(kind=Kind.OTHER, name=name, definition=_text(facts))


def _text(facts: Iterable[Any]) -> str:
    return " ".join(map(str, facts))


def _sum(texts: Iterable[str]) -> str:
    return f"SUM({hash_of(texts)})"


def _has_clock(column: Column, period: Period | None) -> bool:
    return period is not None and column.kind in {"datetime", "timestamp"}


def _undated(column: Column, period: Period) -> str:
    """Return an expression that is the same for all times of a period with a fraction of a second.

    Nobody writes such a time into a migration.
    """
    name = quoted(column.name)
    return (
        f"IF({name} BETWEEN '{period.begin}' AND '{period.end}' AND MICROSECOND({name}) <> 0,"
        f" 'C', {short_text_of(column)})"
    )
