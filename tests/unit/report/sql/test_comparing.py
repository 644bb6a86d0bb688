"""What a run sends that an earlier one did not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from unit.report.sql.made_sql import COUNT, INSERT, ORDERS, PRODUCT, made_sql, recorded, sent, usage

from ctest_containers.report.sql.comparing import (
    AddedStatement,
    Growth,
    SqlComparison,
    compare,
    parse_growth,
)
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.usage.model import StatementUsage

BEFORE, AFTER = made_sql("1a2b3c4d", has_products=False), made_sql()


def record(units: Mapping[str, list[StatementUsage]]) -> SqlRecord:
    return recorded(usage(unit, statements) for unit, statements in units.items())


def test_tests_that_send_more_have_the_statements_and_lines() -> None:
    first, second = compare(BEFORE, AFTER).grown

    assert (first.unit, first.before, first.after) == (
        "test orders.tests.ListTests.test_all",
        12,
        28,
    )
    assert first.added == (
        AddedStatement(PRODUCT, "default", 16, "orders/views.py:81", is_repeated=True),
    )
    assert second.unit == "test orders.tests.ListTests.test_own"


def test_lines_add_up_the_tests_in_which_they_send_more() -> None:
    (line,) = compare(BEFORE, AFTER).lines

    assert line == (
        AddedStatement(PRODUCT, "default", 32, "orders/views.py:81", is_repeated=True),
        2,
    )


def test_new_tests_and_those_that_are_gone_do_not_grow() -> None:
    comparison = compare(BEFORE, AFTER)

    assert comparison.new == {"test orders.tests.LastTests.test_new": 3}
    assert comparison.gone == {"test orders.tests.LastTests.test_old": 3}


def test_the_largest_growth_is_first() -> None:
    few, more, most = (sent(COUNT, {"a.py:1": count}) for count in (1, 3, 9))
    before = record({"test a.A.a": [few], "test a.A.b": [few], "test a.A.c": [few]})
    after = record({"test a.A.a": [more], "test a.A.b": [most], "test a.A.c": [few]})

    assert [change.unit for change in compare(before, after).grown] == ["test a.A.b", "test a.A.a"]


def test_fewer_queries_and_other_queries_are_no_growth() -> None:
    one, two = sent(COUNT, {"a.py:1": 1}), sent(COUNT, {"a.py:1": 2})
    other = sent(ORDERS, {"a.py:2": 1})
    before = record({"test a.A.a": [two], "test a.A.b": [one]})
    comparison = compare(before, record({"test a.A.a": [one], "test a.A.b": [other]}))

    assert not comparison.grown
    assert len(comparison.changed) == 2
    assert comparison.shrunk == 1


def test_what_django_reads_once_in_a_process_is_not_compared() -> None:
    read = sent("SELECT id FROM django_content_type WHERE model = ?", {"a.py:1": 1})
    comparison = compare(record({"test a.A.a": []}), record({"test a.A.a": [read]}))

    assert not comparison.grown
    assert not comparison.changed


def test_a_moved_line_is_no_change() -> None:
    before = record({"test a.A.a": [sent(COUNT, {"a.py:1": 2})]})
    comparison = compare(before, record({"test a.A.a": [sent(COUNT, {"a.py:5": 2})]}))

    assert not comparison.grown
    assert not comparison.changed


def test_set_up_that_sent_nothing_before_grows() -> None:
    tests = {"test a.A.a": [sent(COUNT, {"a.py:1": 1})]}
    set_up = {"class a.A": [sent(INSERT, {"a.py:9": 7})]}

    (change,) = compare(record(tests), record({**tests, **set_up})).grown

    assert (change.unit, change.before, change.after) == ("class a.A", 0, 7)


def test_set_up_of_new_tests_is_new() -> None:
    after = record({"test a.A.a": [], "class a.A": [sent(INSERT, {"a.py:9": 7})]})

    assert compare(record({}), after).new == {"test a.A.a": 0, "class a.A": 7}


@pytest.mark.parametrize(
    ("text", "exceeding"), [("15", 2), ("16", 0), ("0", 2), ("100%", 2), ("133.4%", 0)]
)
def test_a_growth_is_limited_by_number_or_percentage(text: str, exceeding: int) -> None:
    comparison = compare(BEFORE, AFTER)

    assert len(list(parse_growth(text).exceeded(comparison))) == exceeding


def test_a_percentage_of_nothing_is_nothing() -> None:
    comparison: SqlComparison = compare(
        record({"test a.A.a": []}), record({"test a.A.a": [sent(COUNT, {"a.py:1": 1})]})
    )

    assert list(Growth(50, is_percentage=True).exceeded(comparison))


@pytest.mark.parametrize("text", ["", "-1", "x", "1.5", "nan%", "-3%", "inf%"])
def test_other_limits_are_invalid(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_growth(text)
