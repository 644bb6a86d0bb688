"""The SQL of runs on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from unit.report.sql.made_sql import made_sql

from ctest_containers.report.sql.comparing import compare
from ctest_containers.report.sql.terminal import comparison_lines, run_lines, unit_lines
from ctest_containers.report.sql.words import abridged


def plain(lines: Iterable[Text]) -> str:
    return "\n".join(line.plain.rstrip() for line in lines)


def test_repeated_statements_are_shown_with_their_lines() -> None:
    shown = plain(run_lines(made_sql(), 100))

    assert (
        '    15 x SELECT … FROM "catalog_product" WHERE "catalog_product"."id" = ?\n'
        "         at orders/views.py:81\n"
        "         in orders.tests.ListTests.test_own and 1 more\n"
    ) in shown
    assert "orders/tests.py:30" not in shown  # Savepoints are no N+1 queries.
    assert "59 queries of 4 tests took 59 ms.\n20 queries of set-up" in shown


def test_a_test_has_all_its_statements_with_tables_and_lines() -> None:
    shown = plain(unit_lines(made_sql(), ["test orders.tests.ListTests.test_all"], 80))

    assert shown.startswith("orders.tests.ListTests.test_all: 28 queries, 28 ms\n")
    assert "orders/views.py:81 (15 x, repeated)\n" in shown
    assert "reads catalog_product" in shown


def test_a_comparison_says_what_tests_send_more() -> None:
    before = made_sql("1a2b3c4d", has_products=False, branch="main")
    shown = plain(comparison_lines(compare(before, made_sql()), 120))

    assert (
        "orders.tests.ListTests.test_all: 12 -> 28 queries\n"
        '    16 x SELECT … FROM "catalog_product" WHERE "catalog_product"."id" = ? '
        "at orders/views.py:81, repeated\n"
    ) in shown
    assert "1 test is new, with 3 queries.\n1 test is gone, with 3 queries." in shown
    assert "against run 1a2b3c4d of 2026-11-30 21:14 (main, 1a2b3c4d0)" in shown


def test_equal_runs_have_no_differences() -> None:
    shown = plain(comparison_lines(compare(made_sql(), made_sql()), 80))

    assert shown.endswith("No test sends more queries.")


def test_long_statements_lose_their_columns_first() -> None:
    statement = "SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n FROM t WHERE a = ?"

    assert abridged(statement, 200) == statement
    assert abridged(statement, 40) == "SELECT … FROM t WHERE a = ?"
    assert abridged(statement, 20) == "SELECT … FROM t WHE…"
