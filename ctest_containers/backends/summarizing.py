"""Summarizes the schema and the rows of a database."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from ctest_containers.backends import VENDORS
from ctest_containers.backends.rows import DatabaseLocation, Table
from ctest_containers.backends.schema import WHOLE, Kind, Period, SchemaObject, TableRows
from ctest_containers.backends.summary import (
    ANYTHING,
    COMPUTED,
    NO_ROWS,
    UNREAD,
    Function,
    Reference,
    Relation,
    SchemaSummary,
)

COMPUTES: Final = re.compile(r"\bgenerated\b|\bas\s*\(|\bon update\b", re.IGNORECASE)
"""Matches the definitions of such columns; those of SQLite may contain a foreign key."""

NUMBER: Final = re.compile(r"(?:big|medium|small|tiny)?int(?:eger)?(?: unsigned)?", re.IGNORECASE)
"""Matches the types of integers of all vendors."""

HISTORY: Final = "django_migrations"
HISTORY_COLUMNS: Final = ("app", "name")
"""The columns by which an applied migration is known, whenever it was applied."""

WORD: Final = re.compile(r"\w+")

DYNAMIC: Final = re.compile(
    r"\bexecute\b(?!\s+(?:function|procedure)\b)|\bprepare\b"
    r"|\blanguage\s+(?!(?:sql|plpgsql|internal|c)\b)\w+",
    re.IGNORECASE,
)
"""Matches what lets a function use tables that its text does not name."""

TRIGGER_FUNCTION: Final = re.compile(r"\breturns\s+(?:event_)?trigger\b", re.IGNORECASE)


def summary_of(
    location: DatabaseLocation, period: Period | None = None, *, stamp: str = ""
) -> SchemaSummary:
    """Summarize a database.

    Args:
        period: When clocks gave values that are in its rows; None if none did.
        stamp: Takes the place of the digest of rows that are too many; summaries of databases that
            may differ must have different stamps.

    Raises:
        ServerError: The database cannot be opened, or reports an error.
    """
    unread = TableRows(count=UNREAD, columns={WHOLE: stamp})
    with VENDORS[location.vendor].open_schema(location) as session:
        objects = list(session.objects())
        keys = {(thing.table, *thing.columns) for thing in objects if thing.kind is Kind.REFERENCE}
        rows = {
            table.name: session.digests_of(_reproducible(table, keys), period) or unread
            for table in session.tables()
        }
    return summary_from(location.vendor, objects, rows)


def summary_from(
    vendor: str, objects: Sequence[SchemaObject], rows: Mapping[str, TableRows]
) -> SchemaSummary:
    """Return a summary of objects, and of the rows of tables by their names."""
    of_kind: dict[Kind, list[SchemaObject]] = defaultdict(list)
    of_table: dict[str, list[SchemaObject]] = defaultdict(list)
    for thing in objects:
        of_kind[thing.kind].append(thing)
        of_table[thing.table].append(thing)
    functions: dict[str, list[str]] = defaultdict(list)
    for thing in of_kind[Kind.FUNCTION]:
        functions[thing.name].append(thing.definition)
    owners = {thing.name: thing for kind in (Kind.TABLE, Kind.VIEW) for thing in of_kind[kind]}
    names = _Names([*owners, *functions], functions)
    implicit = names.called_in(thing.definition for thing in of_kind[Kind.OTHER])
    return SchemaSummary(
        vendor=vendor,
        relations={
            name: _relation_of(of_table[name], names, rows.get(name, NO_ROWS))
            for name in sorted(owners)
        },
        functions={
            name: Function(
                definition=_digest(sorted(definitions)),
                uses=names.used_by(definitions, but=name),
                is_of_triggers=all(map(TRIGGER_FUNCTION.search, definitions)),
                is_implicit=name in implicit,
            )
            for name, definitions in sorted(functions.items())
        },
        others=_digests(
            thing
            for thing in objects
            if thing.kind is not Kind.FUNCTION and thing.table not in owners
        ),
    )


def _relation_of(objects: Sequence[SchemaObject], names: _Names, rows: TableRows) -> Relation:
    of_kind: dict[Kind, list[SchemaObject]] = defaultdict(list)
    for thing in objects:
        of_kind[thing.kind].append(thing)
    own = [*of_kind[Kind.TABLE], *of_kind[Kind.VIEW]]
    views = [thing.definition for thing in of_kind[Kind.VIEW]]
    policies = [thing.definition for thing in of_kind[Kind.POLICY]]
    reads = {thing.refers for thing in of_kind[Kind.PARTITION]}
    reads |= {*names.used_by([*views, *policies], but=own[0].name)}
    triggers = [thing.definition for thing in of_kind[Kind.TRIGGER]]
    # Defaults, generated columns, checks and indexes may call functions.
    computing = (Kind.COLUMN, Kind.CONSTRAINT, Kind.INDEX)
    calls = names.called_in(thing.definition for kind in computing for thing in of_kind[kind])
    apart = {Kind.TABLE, Kind.VIEW, Kind.COLUMN}
    return Relation(
        definition=_digest(thing.definition for thing in own),
        columns={thing.name: _of_column(thing.definition) for thing in of_kind[Kind.COLUMN]},
        parts=_digests(thing for thing in objects if thing.kind not in apart),
        indexed={
            f"{Kind.INDEX.value} {thing.name}": thing.columns
            for thing in of_kind[Kind.INDEX]
            if thing.columns
        },
        references=tuple(
            Reference(table=thing.refers, columns=thing.columns, cascades=thing.cascades)
            for thing in of_kind[Kind.REFERENCE]
        ),
        reads=tuple(sorted(reads)),
        fires=names.used_by([*triggers, *calls], but=own[0].name),
        rows=rows,
    )


class _Names:
    """Finds the names of tables, views and functions in texts.

    Args:
        names: All names.
        functions: The definitions of functions, by their names: who calls one uses what it uses.
    """

    def __init__(self, names: Iterable[str], functions: Mapping[str, Sequence[str]]) -> None:
        self._by_word: dict[str, set[str]] = defaultdict(set)
        self._odd: dict[str, set[str]] = defaultdict(set)
        for name in names:
            word = name.rpartition(".")[2].casefold()
            (self._by_word if WORD.fullmatch(word) else self._odd)[word].add(name)
        self._functions = functions

    def called_in(self, texts: Iterable[str]) -> set[str]:
        """Return the names of functions in some texts."""
        return set().union(*map(self._named_in, texts)) & self._functions.keys()

    def used_by(self, texts: Iterable[str], *, but: str = "") -> tuple[str, ...]:
        """Return the names in some texts and in those of the functions that they name.

        Args:
            but: The name of the object that the texts define.
        """
        used: set[str] = set()
        waiting = list(texts)
        while waiting:
            text = waiting.pop()
            if DYNAMIC.search(text):
                used.add(ANYTHING)
            named = self._named_in(text)
            for name in named - used - {but}:
                waiting += self._functions.get(name, ())
            used |= named - {but}
        return tuple(sorted(used))

    def _named_in(self, text: str) -> set[str]:
        text = text.casefold()
        named: set[str] = set()
        for word in {*WORD.findall(text)}:
            named |= self._by_word.get(word, set())
        for word, odd in self._odd.items():
            named |= odd if word in text else set()
        return named


def _reproducible(table: Table, keys: Collection[tuple[str, ...]]) -> Table:
    """Return a table without what differs between two builds of the same migrations.

    Django adds the rows of a many-to-many relation in the order of a set, which is random unless it
    contains numbers, and so are the numbers of these rows. It also notes when it applied a
    migration.

    Args:
        keys: Each foreign key: the name of its table, and its columns.
    """
    if table.name == HISTORY and {*HISTORY_COLUMNS} <= {*table.names}:
        columns = tuple(column for column in table.columns if column.name in HISTORY_COLUMNS)
        return replace(table, columns=columns, key=HISTORY_COLUMNS)
    others = tuple(column for column in table.columns if column.name not in table.key)
    if (
        len(table.key) == 1
        and len(others) == 2
        and all((table.name, column.name) in keys for column in others)
        and not all(NUMBER.fullmatch(column.kind) for column in others)
    ):
        return replace(table, columns=others, key=())
    return table


def _digests(objects: Iterable[SchemaObject]) -> dict[str, str]:
    """Return a digest for each kind and name."""
    definitions: dict[str, list[str]] = defaultdict(list)
    for thing in objects:
        kind = "" if thing.kind is Kind.OTHER else f"{thing.kind.value} "
        definitions[f"{kind}{thing.name}"].append(thing.definition)
    return {name: _digest(sorted(texts)) for name, texts in sorted(definitions.items())}


def _of_column(definition: str) -> str:
    prefix = COMPUTED if COMPUTES.search(definition) else ""
    return f"{prefix}{_digest([definition])}"


def _digest(texts: Iterable[str]) -> str:
    return sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
