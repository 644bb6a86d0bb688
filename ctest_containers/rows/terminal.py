"""Shows a difference on a terminal: for each table the numbers of rows, then some of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

from ctest_containers.backends.rows import Value
from ctest_containers.model import SQLITE, Vendor
from ctest_containers.rows.model import DatabaseDifference, RowChange, TableDifference
from ctest_containers.text import plural, shortened, without_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

ROWS_SHOWN: Final = 10
"""How many rows of a table, and how many lines of other kinds, are shown by default."""

VALUE_LENGTHS: Final = (200, 40, 24, 12)
"""How many characters of a value are shown: the first number with which a row fits its line."""

CONTEXT_LENGTH: Final = 8
"""How much of the common beginning of two long values is shown before they differ."""

STYLES: Final = {"+": "green", "~": "yellow", "-": "red"}

ESCAPES: Final = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})

Part = tuple[str, str]
"""A text and its style."""


def show(difference: DatabaseDifference, console: Console, *, rows: int = ROWS_SHOWN) -> None:
    """Print a difference, in colours if the console has them, in lines that fit its width.

    Args:
        rows: How many rows of each table to print.
    """
    for line in lines(difference, console.width, rows=rows):
        console.print(line, soft_wrap=True)


def lines(difference: DatabaseDifference, width: int, *, rows: int = ROWS_SHOWN) -> Iterator[Text]:
    """Yield the lines that `show` prints; their attribute `plain` is the text without colours.

    Args:
        width: The number of columns of the terminal.
        rows: How many rows of each table to show.
    """
    for line in _lines(difference, width, rows):
        line.truncate(width, overflow="ellipsis")
        yield line


def counts(table: TableDifference) -> str:
    """Return how many rows of a table differ, such as `+ 2 rows, ~ 1, - 0`."""
    return "".join(text for text, _ in _counts(table))


def _lines(difference: DatabaseDifference, width: int, shown: int) -> Iterator[Text]:
    if not difference:
        yield _line(("No rows differ.", ""))
    if schema := difference.schema:
        yield _line(("Schema", "bold"))
        yield from _first((_signed(line[0], line[2:]) for line in schema), len(schema), shown)
    for table in difference.tables:
        yield _line((_short_name(table.name), "bold"), ("  ", ""), *_counts(table))
        total = len(table.added) + len(table.changed) + len(table.removed)
        yield from _first(_row_lines(table, difference.vendor, width), total, shown)
    if counters := difference.counters:
        yield _line(("Sequences", "bold"))
        changes = (
            _signed("~", f"{_short_name(counter.name)}  {counter.before} -> {counter.after}")
            for counter in counters
        )
        yield from _first(changes, len(counters), shown)


def _first(all_lines: Iterable[Text], total: int, shown: int) -> Iterator[Text]:
    """Yield the first lines, and how many more there are."""
    yield from islice(all_lines, shown)
    if total > shown:
        yield _line((f"  and {total - shown} more", "dim"))


def _counts(table: TableDifference) -> Iterator[Part]:
    if not table.is_listed:
        numbers = f"{table.before:,} rows before, {table.after:,} after"
        yield f"{numbers}; more differ than can be listed", STYLES["~"]
        return
    added, changed, removed = len(table.added), len(table.changed), len(table.removed)
    yield f"+ {plural(added, 'row')}", STYLES["+"] if added else "dim"
    yield f", ~ {changed}", STYLES["~"] if changed else "dim"
    yield f", - {removed}", STYLES["-"] if removed else "dim"


def _row_lines(table: TableDifference, vendor: Vendor, width: int) -> Iterator[Text]:
    """Yield a line for each row that differs, with values of the length for which it fits."""
    for sign, rows in (("+", table.added), ("~", table.changed), ("-", table.removed)):
        for row in rows:
            for length in VALUE_LENGTHS:
                parts = (
                    _change(table, row, vendor, length)
                    if isinstance(row, RowChange)
                    else _values(zip(table.columns, row, strict=True), vendor, length)
                )
                line = _line((f"  {sign}", STYLES[sign]), *parts)
                if line.cell_len <= width:
                    break
            yield line


def _values(pairs: Iterable[tuple[str, Value]], vendor: Vendor, length: int) -> Iterator[Part]:
    """Yield `column=value` for each pair."""
    for column, value in pairs:
        yield f" {column}=", "dim"
        yield shortened(_readable(value, vendor), length), ""


def _change(
    table: TableDifference, change: RowChange, vendor: Vendor, length: int
) -> Iterator[Part]:
    """Yield the primary key, and `column=old -> new` for each column that changed."""
    values = dict(zip(table.columns, change.after, strict=True))
    yield from _values(((column, values[column]) for column in table.key), vendor, length)
    for column, before, after in zip(table.columns, change.before, change.after, strict=True):
        if before != after:
            old, new = _readable(before, vendor), _readable(after, vendor)
            if old == new:
                # With SQLite, values of different types may look the same.
                old, new = before or "", after or ""
            same = len([*takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))])
            if max(len(old), len(new)) > length and same > CONTEXT_LENGTH:
                start = same - CONTEXT_LENGTH
                old, new = f"…{old[start:]}", f"…{new[start:]}"
            yield f" {column}=", "dim"
            yield shortened(old, length), STYLES["-"]
            yield " -> ", "dim"
            yield shortened(new, length), STYLES["+"]


def _readable(value: Value, vendor: Vendor) -> str:
    """Return the text of a value, without the quotes of a literal."""
    if value is None:
        return "NULL"
    if vendor == SQLITE and value.startswith("'"):
        value = value[1:-1].replace("''", "'")
    return f"'{value}'" if value in {"", "NULL"} else value


def _short_name(name: str) -> str:
    """Return a name without PostgreSQL's usual schema."""
    return name.removeprefix("public.")


def _signed(sign: str, text: str) -> Text:
    return _line((f"  {sign}", STYLES[sign]), (f" {text}", ""))


def _line(*parts: Part) -> Text:
    from rich.text import Text

    return Text.assemble(
        *((without_controls(text).translate(ESCAPES), style) for text, style in parts)
    )
