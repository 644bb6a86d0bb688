"""Describes how the databases of a trial differ from new ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ctest_containers.errors import ServerError
from ctest_containers.hunt.state.facts import Change
from ctest_containers.hunt.state.observer import sqlite_file
from ctest_containers.model import SQLITE, Lease
from ctest_containers.rows import DatabaseDifference, DatabaseLocation, TableDifference, difference
from ctest_containers.text import shortened

SHOWN_COLUMNS: Final = 4
SHOWN_CHARACTERS: Final = 30

MOST_ROWS: Final = 1000
"""If more rows of a table differ, only their numbers are compared."""


def changed_rows(
    before: Iterable[Lease], after: Iterable[Lease], saved: Path, tests: Sequence[str]
) -> Iterator[Change]:
    """Yield the changes in databases, each once even if several aliases use it.

    Args:
        before: Databases that no test has used.
        after: Databases that tests have used, of the same aliases.
        saved: The folder in which an observer has saved the SQLite databases that tests have used.
        tests: The tests that are the cause.
    """
    new = {lease.alias: lease for lease in before}
    used = {lease.alias: lease for lease in after if lease.alias in new}
    locations = {alias: _location(lease, saved) for alias, lease in used.items()}
    aliases = {location: alias for alias, location in reversed(locations.items())}
    for location, alias in reversed(aliases.items()):
        prefix = f"{alias}: " if len(aliases) > 1 else ""
        try:
            found = difference(_origin(new[alias]), location, limit_rows=MOST_ROWS)
        except ServerError as error:
            yield Change("rows", f"{prefix}the database", f"cannot be compared: {error.message}")
            continue
        yield from _changes(found, prefix, tuple(tests) if len(tests) == 1 else ())


def _location(lease: Lease, saved: Path) -> DatabaseLocation:
    """Return where the database of a lease can be read now."""
    if lease.vendor == SQLITE:
        return DatabaseLocation(vendor=SQLITE, name=str(sqlite_file(saved, lease.alias)))
    return DatabaseLocation(
        vendor=lease.vendor, name=str(lease.settings["NAME"]), address=lease.address
    )


def _origin(lease: Lease) -> DatabaseLocation:
    """Return where the contents of an unused database can be read."""
    if lease.vendor == SQLITE:
        return DatabaseLocation(vendor=SQLITE, name=lease.load_from)
    return _location(lease, Path())


def _changes(found: DatabaseDifference, prefix: str, tests: tuple[str, ...]) -> Iterator[Change]:
    for line in found.schema:
        yield Change("schema", f"{prefix}the schema", line, tests)
    for table in found.tables:
        name = f"{prefix}{_short(table.name)}"
        if not table.is_listed:
            yield Change("rows", name, f"{table.before} rows -> {table.after} rows", tests)
        for row in table.added:
            yield Change("rows", *_whole(table, name, row, "was added"), tests)
        for pair in table.changed:
            values = zip(table.columns, pair.before, pair.after, strict=True)
            texts = [
                f"{column} {_shown(old)} -> {_shown(new)}"
                for column, old, new in values
                if old != new
            ]
            yield Change("rows", f"{name} {_key(table, pair.after)}", ", ".join(texts), tests)
        for row in table.removed:
            yield Change("rows", *_whole(table, name, row, "was removed"), tests)
    for counter in found.counters:
        name = f"{prefix}{_short(counter.name)}"
        positions = f"{counter.before} -> {counter.after}".replace(" unused", " (not used yet)")
        yield Change("sequences", name, positions, tests)


def _whole(
    table: TableDifference, name: str, row: Sequence[str | None], what: str
) -> tuple[str, str]:
    """Return the name of a row by its key, and what has happened to it with its other values."""
    pairs = zip(table.columns, row, strict=True)
    values = [f"{column}={_shown(value)}" for column, value in pairs if column not in table.key]
    more = ["…"] if len(values) > SHOWN_COLUMNS else []
    details = ", ".join([*values[:SHOWN_COLUMNS], *more])
    return f"{name} {_key(table, row)}", f"{what} ({details})" if details else what


def _key(table: TableDifference, row: Sequence[str | None]) -> str:
    values = dict(zip(table.columns, row, strict=True))
    pairs = [f"{column}={_shown(values[column])}" for column in table.key]
    return ", ".join(pairs) if pairs else "(a row without a key)"


def _shown(value: str | None) -> str:
    return "NULL" if value is None else shortened(value, SHOWN_CHARACTERS)


def _short(name: str) -> str:
    """Return a name without the schema that most projects use."""
    return name.removeprefix("public.")
