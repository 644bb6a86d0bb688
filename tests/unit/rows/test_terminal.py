"""A difference is shown as people read it, in the width of their terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Final

import pytest
from rich.console import Console

from ctest_containers.model import SQLITE, Vendor
from ctest_containers.rows import CounterChange, DatabaseDifference, RowChange, TableDifference
from ctest_containers.rows.terminal import counts, show

PRODUCTS: Final = TableDifference(
    name="public.shop_product",
    columns=("id", "name", "price", "note"),
    key=("id",),
    before=12,
    after=13,
    added=(
        ("7", "Lamp", "12.50", None),
        ("8", "A chair with a very long name, longer than any line that a terminal has", "1", ""),
    ),
    changed=(
        RowChange(before=("3", "Desk", "10.00", "a\nb"), after=("3", "Table", "12.50", "a\nb")),
    ),
    removed=(("2", "Bed \x1b[31m 日本", "99.00", "NULL"),),
)
LOG: Final = TableDifference(
    name="side.log",
    columns=("line",),
    key=(),
    before=0,
    after=14,
    added=tuple((f"line {number}",) for number in range(14)),
)
DIFFERENCE: Final = DatabaseDifference(
    vendor=Vendor("postgresql"),
    schema=("+ column public.shop_product.note: 4 text", "- table public.old: r p"),
    tables=(PRODUCTS, LOG, replace(LOG, name="big", is_listed=False, added=(), after=250_000)),
    counters=(CounterChange(name="public.shop_product_id_seq", before="6", after="8"),),
)


def shown(difference: DatabaseDifference, width: int = 80, rows: int = 3, **options: bool) -> str:
    """What a terminal shows."""
    file = io.StringIO()
    show(difference, Console(file=file, width=width, **options), rows=rows)  # type: ignore[arg-type]
    return file.getvalue()


def test_each_table_has_its_numbers_and_then_its_first_rows() -> None:
    assert (
        shown(DIFFERENCE, rows=4)
        == """\
Schema
  + column public.shop_product.note: 4 text
  - table public.old: r p
shop_product  + 2 rows, ~ 1, - 1
  + id=7 name=Lamp price=12.50 note=NULL
  + id=8 name=A chair with a very long name, longer t… price=1 note=''
  ~ id=3 name=Desk -> Table price=10.00 -> 12.50
  - id=2 name=Bed \\x1b[31m 日本 price=99.00 note='NULL'
side.log  + 14 rows, ~ 0, - 0
  + line=line 0
  + line=line 1
  + line=line 2
  + line=line 3
  and 10 more
big  0 rows before, 250,000 after; more differ than can be listed
Sequences
  ~ shop_product_id_seq  6 -> 8
"""
    )


def test_lines_fit_a_narrow_terminal() -> None:
    assert (
        shown(DIFFERENCE, width=36, rows=2)
        == """\
Schema
  + column public.shop_product.note…
  - table public.old: r p
shop_product  + 2 rows, ~ 1, - 1
  + id=7 name=Lamp price=12.50 note…
  + id=8 name=A chair wit… price=1 …
  and 2 more
side.log  + 14 rows, ~ 0, - 0
  + line=line 0
  + line=line 1
  and 12 more
big  0 rows before, 250,000 after; …
Sequences
  ~ shop_product_id_seq  6 -> 8
"""
    )


def test_colours_tell_what_came_changed_and_went() -> None:
    text = shown(replace(DIFFERENCE, schema=(), counters=()), rows=4, force_terminal=True)

    assert "\x1b[32m+ 2 rows\x1b[0m\x1b[33m, ~ 1\x1b[0m\x1b[31m, - 1\x1b[0m" in text
    assert "\x1b[31mDesk\x1b[0m\x1b[2m -> \x1b[0m\x1b[32mTable\x1b[0m" in text


def test_long_values_are_shown_from_where_they_differ() -> None:
    text = "The same beginning of both values, " * 4
    change = RowChange(before=("1", f"{text}old"), after=("1", f"{text}new"))
    table = replace(PRODUCTS, columns=("id", "body"), added=(), changed=(change,), removed=())

    assert (
        shown(replace(DIFFERENCE, schema=(), tables=(table,), counters=()))
        == """\
shop_product  + 0 rows, ~ 1, - 0
  ~ id=1 body=…values, old -> …values, new
"""
    )


def test_values_of_sqlite_have_quotes_only_if_their_type_would_not_be_seen() -> None:
    table = TableDifference(
        name="loose",
        columns=("id", "value"),
        key=("id",),
        before=1,
        after=2,
        added=(("2", "'it''s'"), ("3", "''")),
        changed=(
            RowChange(before=("1", "1"), after=("1", "'1'")),
            RowChange(before=("4", "'a'"), after=("4", "x'00ff'")),
        ),
    )

    assert (
        shown(DatabaseDifference(vendor=SQLITE, tables=(table,)), rows=4)
        == """\
loose  + 2 rows, ~ 2, - 0
  + id=2 value=it's
  + id=3 value=''
  ~ id=1 value=1 -> '1'
  ~ id=4 value=a -> x'00ff'
"""
    )


def test_no_difference_is_said_in_words() -> None:
    assert shown(DatabaseDifference(vendor=SQLITE)) == "No rows differ.\n"


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (PRODUCTS, "+ 2 rows, ~ 1, - 1"),
        (replace(PRODUCTS, added=PRODUCTS.added[:1], changed=()), "+ 1 row, ~ 0, - 1"),
    ],
)
def test_the_numbers_are_a_text_of_their_own(table: TableDifference, text: str) -> None:
    assert counts(table) == text
