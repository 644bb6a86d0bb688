"""Compares two databases: digests that the servers compute, then the rows that can differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from ctest_containers.backends import VENDORS
from ctest_containers.backends.catalog import MIGRATION, catalog_lines
from ctest_containers.backends.rows import (
    DatabaseLocation,
    Digest,
    Row,
    RowSession,
    Table,
    text_size,
)
from ctest_containers.rows.model import (
    CounterChange,
    DatabaseDifference,
    RowChange,
    TableDifference,
)

LIMIT_ROWS: Final = 100_000
"""If more rows of a table differ, they are not listed."""

LIMIT_CHARACTERS: Final = 256 * 2**20
"""The same for the text of their values."""

SLICE_ROWS: Final = 50_000
"""How many rows of each database are in memory at once, unless they differ."""

Digests = Mapping[int, Digest]


def difference(
    before: DatabaseLocation,
    after: DatabaseLocation,
    *,
    uncommitted: bool = False,
    limit_rows: int = LIMIT_ROWS,
) -> DatabaseDifference:
    """Return what differs between two databases of the same vendor.

    Rows are read only if they can differ, and only those that differ are kept in memory. Both may
    be the same database, to see what has not been committed.

    Args:
        uncommitted: Whether to read what sessions of the database after have not committed yet.
            Only MySQL and MariaDB can do that; others ignore it.
        limit_rows: If more rows of a table differ, its difference has only counts.

    Raises:
        ServerError: A database cannot be opened, or reports an error.
    """
    open_rows = VENDORS[before.vendor].open_rows
    with open_rows(before) as first, open_rows(after, uncommitted=uncommitted) as second:
        earlier = {table.name: table for table in first.tables()}
        later = {table.name: table for table in second.tables()}
        common = [table for name, table in earlier.items() if later.get(name) == table]
        before_totals, after_totals = first.totals(common), second.totals(common)
        tables = (
            _table_difference(first, second, table, limit_rows)
            for table in common
            if before_totals[table.name] != after_totals[table.name]
        )
        positions = first.counters()
        return DatabaseDifference(
            vendor=before.vendor,
            schema=(
                tuple(_schema_lines(first.catalog(), second.catalog())) if before != after else ()
            ),
            tables=tuple(table for table in tables if table is not None),
            counters=tuple(
                CounterChange(name=name, before=positions[name], after=position)
                for name, position in sorted(second.counters().items())
                if positions.get(name, position) != position
            ),
        )


def _schema_lines(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each object that differs; applied migrations are rows of a table."""
    return catalog_lines(
        *(
            {name: text for name, text in catalog.items() if not name.startswith(MIGRATION)}
            for catalog in (before, after)
        )
    )


def _table_difference(
    first: RowSession, second: RowSession, table: Table, limit_rows: int
) -> TableDifference | None:
    """Return the rows of a table that differ; None if a session has just undone what differed."""
    before, after = first.digests(table), second.digests(table)
    buckets = [number for number in {*before, *after} if before.get(number) != after.get(number)]
    if not buckets:
        return None
    counts = TableDifference(
        name=table.name,
        columns=table.names,
        key=table.key,
        before=sum(count for count, _ in before.values()),
        after=sum(count for count, _ in after.values()),
    )
    removed: list[Row] = []
    added: list[Row] = []
    characters = 0
    for numbers in _slices(buckets, before, after):
        gone, new = _unequal(first.rows(table, numbers), second.rows(table, numbers))
        removed += gone
        added += new
        characters += sum(map(text_size, (*gone, *new)))
        if max(len(removed), len(added)) > limit_rows or characters > LIMIT_CHARACTERS:
            return replace(counts, is_listed=False)
    return _paired(counts, table, removed, added)


def _slices(buckets: Iterable[int], before: Digests, after: Digests) -> Iterator[list[int]]:
    """Divide buckets so that no slice has many more rows than SLICE_ROWS."""
    numbers: list[int] = []
    rows = 0
    for number in sorted(buckets):
        count = max(digests.get(number, (0, 0))[0] for digests in (before, after))
        if numbers and rows + count > SLICE_ROWS:
            yield numbers
            numbers, rows = [], 0
        numbers.append(number)
        rows += count
    yield numbers


def _unequal(before: Iterable[Row], after: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows that only one of two multisets has."""
    left = Counter(before)
    new = []
    for row in after:
        if left[row]:
            left[row] -= 1
        else:
            new.append(row)
    return list(left.elements()), new


def _paired(
    counts: TableDifference, table: Table, removed: list[Row], added: list[Row]
) -> TableDifference:
    """Add rows to a table's difference; two with the same primary key are one that changed."""
    if not table.key:
        return replace(counts, added=_sorted(added), removed=_sorted(removed))
    old = {table.key_of(row): row for row in removed}
    changed, new = [], []
    for row in added:
        before = old.pop(table.key_of(row), None)
        if before is None:
            new.append(row)
        else:
            changed.append(RowChange(before=before, after=row))
    return replace(
        counts,
        added=_sorted(new, table),
        changed=tuple(sorted(changed, key=lambda change: _order(table.key_of(change.after)))),
        removed=_sorted(old.values(), table),
    )


def _sorted(rows: Iterable[Row], table: Table | None = None) -> tuple[Row, ...]:
    """Return rows in the order of their primary keys."""
    return tuple(sorted(rows, key=lambda row: _order(row if table is None else table.key_of(row))))


def _order(values: Row) -> list[tuple[bool, int, str]]:
    """Return a key for sorting by values, so that 9 comes before 10, and NULL first."""
    return [
        (value is not None, len(value) if value and value.isdigit() else 0, value or "")
        for value in values
    ]
