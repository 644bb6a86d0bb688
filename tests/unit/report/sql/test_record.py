"""The SQL of a run, in memory and in its file."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest
from unit.report.sql.made_sql import COUNT, ORDERS, made_sql, recorded, sent, usage

from ctest_containers.errors import UsageError
from ctest_containers.report.sql.collector import LONGEST_LIST, OTHERS
from ctest_containers.report.sql.file import read, write

TEST = "test orders.tests.ListTests.test_all"


def test_statements_are_those_that_were_added() -> None:
    statements = list(made_sql(has_products=False).statements(TEST))

    assert statements[1:] == [
        sent(COUNT, {"orders/views.py:74": 1}),
        sent(ORDERS, {"orders/views.py:77": 2}),
    ]


def test_set_up_does_not_count_for_tests() -> None:
    record = made_sql()

    assert record.set_up == ["class orders.tests.ListTests"]
    assert record.totals[TEST][0] == 28


def test_tests_without_queries_are_recorded() -> None:
    assert made_sql().totals["test orders.tests.PlainTests.test_name"] == (0, 0.0)


def test_transactions_of_test_cases_do_not_count() -> None:
    statements = [sent("SAVEPOINT ?", {}, count=2), sent(COUNT, {}, count=3)]
    record = recorded([usage("test a.B.c", [*statements, sent("SAVEPOINT x", {"a.py:1": 1})])])

    assert record.totals["test a.B.c"][0] == 4


def test_a_file_has_the_same_statements(tmp_path: Path) -> None:
    record, file = made_sql(), tmp_path / "runs" / "a.sql.gz"
    write(record, file)

    assert read(file) == record
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "content",
    [b"text", gzip.compress(b"{}"), gzip.compress(b'{"format": "x", "version": 1}\n{}')],
    ids=["a text", "no format", "another format"],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.sql.gz"
    file.write_bytes(content)

    with pytest.raises(UsageError, match="cannot be read"):
        read(file)


def test_too_many_statements_of_a_unit_are_counted_together() -> None:
    many = [sent(f"SELECT {number}", {"a.py:1": 2}) for number in range(LONGEST_LIST + 3)]

    statements = list(recorded([usage("test a.B.c", many)]).statements("test a.B.c"))

    assert len(statements) == LONGEST_LIST + 1
    assert statements[-1] == sent(OTHERS, {"a.py:1": 6})


def test_what_a_unit_sends_in_several_parts_is_added_up() -> None:
    first = usage("class a.B", [sent(COUNT, {"a.py:1": 2, "a.py:9": 1})])
    second = dataclasses.replace(first, first=len(first.names), names=())

    statements = list(recorded([first, second]).statements("class a.B"))

    assert statements == [sent(COUNT, {"a.py:1": 4, "a.py:9": 2})]


def test_what_runs_in_several_processes_counts_once() -> None:
    counts = {1: 2, 2: 3, 3: 1}
    events = [
        usage("class a.B", [sent(COUNT, {"a.py:1": count})], worker=worker)
        for worker, count in counts.items()
    ]

    assert recorded(events).totals["class a.B"][0] == 3
