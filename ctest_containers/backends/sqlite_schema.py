"""Describes an SQLite database in a file for its summary."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from ctest_containers.backends.rows import DatabaseLocation, Table, quoted
from ctest_containers.backends.schema import (
    LIMIT_BY_COLUMN,
    LIMIT_ROWS,
    WHOLE,
    Kind,
    Period,
    SchemaObject,
    TableRows,
)
from ctest_containers.backends.sqlite_rows import SqliteRows, hash_of, open_connection

PIECE: Final = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|.""",
    re.DOTALL,
)
"""Matches comments, quoted text and names, and single characters."""

CONSTRAINT: Final = re.compile(r"(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)\b", re.IGNORECASE)
TIME: Final = re.compile(r"'(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d\.\d+)(?:\+00:00)?'")
"""Matches the literal of a time with a fraction of a second, as Django writes it."""

NAME: Final = re.compile(r'"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|\[([^\]]*)\]|(\w+)')
KINDS: Final = {"index": Kind.INDEX, "trigger": Kind.TRIGGER, "view": Kind.VIEW}
OBJECTS: Final = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
)
PRAGMAS: Final = ("application_id", "auto_vacuum", "encoding", "user_version")
ACTIONS: Final = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})


class SqliteSchema(SqliteRows):
    """See `SchemaSession`."""

    def objects(self) -> Iterable[SchemaObject]:
        counters = self.counters()
        for kind, name, table, sql in self._plain(OBJECTS):
            if kind == "table":
                yield from self._of_table(name, str(sql))
                if name in counters:
                    yield SchemaObject(
                        kind=Kind.SEQUENCE,
                        name=f"counter of {name}",
                        definition=counters[name],
                        table=name,
                    )
            else:
                yield SchemaObject(
                    kind=KINDS[kind],
                    name=name,
                    definition=" ".join(str(sql).split()),
                    table=name if kind == "view" else table,
                )
        yield SchemaObject(kind=Kind.OTHER, name="SQLite", definition=sqlite3.sqlite_version)
        for pragma in PRAGMAS:
            ((value,),) = self._plain(f"PRAGMA {pragma}")
            yield SchemaObject(kind=Kind.OTHER, name=pragma, definition=str(value))

    def digests_of(self, table: Table, period: Period | None) -> TableRows | None:
        ((count,),) = self._plain(f"SELECT COUNT(*) FROM {quoted(table.name)}")
        if not count or count > LIMIT_ROWS:
            return None if count else TableRows(count=0)
        key = table.key if count <= LIMIT_BY_COLUMN else ()
        names = table.names if key else (WHOLE,)
        totals = dict.fromkeys(names, 0)
        undated = dict.fromkeys(names, 0)
        for row in self._stored_rows(table):
            if not key:
                totals[WHOLE] += hash_of(row)
                continue
            of_key = table.key_of(row)
            for name, value in zip(names, row, strict=True):
                totals[name] += (number := hash_of((*of_key, value)))
                without = _undated(value, period)
                undated[name] += number if without is value else hash_of((*of_key, without))
        return TableRows(
            count=count,
            key=key,
            columns={name: str(total) for name, total in totals.items()},
            undated={
                name: str(total) for name, total in undated.items() if key and total != totals[name]
            },
        )

    def _of_table(self, table: str, sql: str) -> Iterator[SchemaObject]:
        head, parts, tail = _split(sql)
        # Renaming a table quotes its name. A virtual table has a module.
        *_, module = head.partition(" USING ")
        yield SchemaObject(kind=Kind.TABLE, name=table, definition=f"{module} {tail}", table=table)
        for part in parts:
            match = NAME.match(part)
            if match is None or CONSTRAINT.match(part):
                kind, name = Kind.CONSTRAINT, part
            else:
                name = next(filter(None, match.groups()), "")
                kind, name = Kind.COLUMN, name.replace('""', '"')
            yield SchemaObject(kind=kind, name=name, definition=part, table=table)
        for origin, columns in self._implicit_indexes(table):
            name = f"{origin} ({', '.join(columns)})"
            yield SchemaObject(kind=Kind.INDEX, name=name, definition="", table=table)
        for refers, columns, actions in self._references(table):
            yield SchemaObject(
                kind=Kind.REFERENCE,
                name=", ".join(columns),
                definition=f"{refers} {' '.join(actions)}",
                table=table,
                columns=columns,
                refers=refers,
                cascades=not ACTIONS.isdisjoint(actions),
            )

    def _implicit_indexes(self, table: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield why a table has an index, `u` or `pk`, and the columns of the index."""
        for index, origin in self._plain("SELECT name, origin FROM pragma_index_list(?)", [table]):
            if origin != "c":
                columns = self._plain("SELECT name FROM pragma_index_info(?)", [index])
                yield origin, tuple(str(name) for (name,) in columns)

    def _references(self, table: str) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        """Yield the table, the columns and the actions of each foreign key."""
        keys: dict[int, tuple[str, list[str], tuple[str, ...]]] = {}
        for number, refers, column, *actions in self._plain(
            'SELECT id, "table", "from", on_update, on_delete FROM pragma_foreign_key_list(?)'
            " ORDER BY id, seq",
            [table],
        ):
            keys.setdefault(number, (refers, [], tuple(actions)))[1].append(column)
        for refers, columns, actions in keys.values():
            yield refers, tuple(columns), actions


@contextmanager
def open_schema(location: DatabaseLocation) -> Iterator[SqliteSchema]:
    """See `OpenSchema`."""
    with open_connection(location.name) as connection:
        yield SqliteSchema(connection)


def _split(sql: str) -> tuple[str, Sequence[str], str]:
    """Divide a CREATE TABLE into what precedes its columns, columns and constraints, and the rest.

    Comments are left out; spaces count as one each.
    """
    parts: list[list[str]] = [[]]
    depth, ended = 0, False
    for piece in PIECE.findall(sql):
        if piece.startswith(("--", "/*")):
            parts[-1].append(" ")
            continue
        if piece == "(" and depth == 0 and len(parts) == 1:
            depth, parts = 1, [*parts, []]
            continue
        depth += (piece == "(") - (piece == ")")
        if len(parts) > 1 and not ended and (depth == 0 or (depth == 1 and piece == ",")):
            parts.append([])
            ended = depth == 0
        else:
            parts[-1].append(piece)
    head, *columns = (" ".join("".join(part).split()) for part in parts)
    if not columns:
        return head, (), ""
    return head, columns[:-1], columns[-1]


def _undated(value: Any, period: Period | None) -> Any:
    """Return a literal without a time that a clock gave during a period.

    Nobody writes such a time, with a fraction of a second, into a migration.
    """
    if period is None or not isinstance(value, str) or (match := TIME.fullmatch(value)) is None:
        return value
    return "clock" if period.begin <= f"{match[1]} {match[2]}" <= period.end else value
