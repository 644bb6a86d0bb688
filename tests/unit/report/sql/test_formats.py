"""The SQL of a run on its page and in GitHub's summary."""

from __future__ import annotations

import dataclasses

from unit.report.making import record
from unit.report.sql.made_sql import PRODUCT, made_sql, recorded, sent, usage

from ctest_containers.report.job_summary import job_summary
from ctest_containers.report.page.data import data_of
from ctest_containers.report.page.sql import STATEMENTS_SHOWN, sql_data
from ctest_containers.report.sql.comparing import compare


def test_a_run_without_sql_has_no_section() -> None:
    assert "sql" not in data_of(record())
    assert "queries" not in job_summary(record())


def test_the_page_has_what_was_added() -> None:
    run = dataclasses.replace(record(), sql=made_sql())
    run.sql_changes = compare(made_sql("1a2b3c4d", has_products=False), made_sql())

    against = data_of(run)["sql"]["against"]

    assert against["grown"][0] == [
        "orders.tests.ListTests.test_all",
        12,
        28,
        [[16, PRODUCT, "orders/views.py:81", True]],
    ]


def test_the_page_has_some_statements_of_a_test_with_thousands() -> None:
    many = [sent(f"SELECT {number}", {"a.py:1": 1}) for number in range(1000)]

    (test,) = sql_data(recorded([usage("test a.B.c", many)]), None)["tests"]

    assert len(test["statements"]) == STATEMENTS_SHOWN
    assert test["more"] == 1000 - STATEMENTS_SHOWN


def test_the_summary_has_repeated_statements() -> None:
    summary = job_summary(dataclasses.replace(record(), sql=made_sql()))

    assert "59 queries of 4 tests took 59 ms." in summary
    assert "| <code>orders/views.py:81</code> | <code>orders.tests.ListTests.test_own" in summary


def test_the_summary_of_a_comparison_has_what_was_added() -> None:
    run = dataclasses.replace(record(), sql=made_sql())
    run.sql_changes = compare(made_sql("1a2b3c4d", has_products=False), made_sql())

    summary = job_summary(run)

    assert "| 12 → 28 | <code>orders.tests.ListTests.test_all</code> | 16 x <code>SELECT" in summary


def test_a_comparison_without_growth_is_a_sentence() -> None:
    run = dataclasses.replace(record(), sql=made_sql(), sql_changes=compare(made_sql(), made_sql()))

    assert "No test sends more queries than in run 5e6f7a8b" in job_summary(run)
