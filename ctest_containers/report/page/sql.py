"""The SQL of a run as data of its page."""

from __future__ import annotations

from typing import Any, Final

from ctest_containers.report.page.texts import cut_line
from ctest_containers.report.page.values import seconds_of
from ctest_containers.report.sql.comparing import SqlComparison
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.sql.words import (
    headlines,
    places_of,
    repeated_statements,
    run_name,
    slowest_statements,
    unit_name,
)
from ctest_containers.usage.model import TEST

UNITS_SHOWN: Final = 200
"""How many tests, and how many set-ups, the page has: those with the most queries."""

STATEMENTS_SHOWN: Final = 100
"""How many statements it has of each, and how many of all."""


def sql_data(record: SqlRecord, comparison: SqlComparison | None) -> dict[str, Any]:
    """The statements of tests and set-up, and what they send more than in an earlier run."""
    return {
        "sentences": list(headlines(record)),
        "repeated": [
            [row.count, cut_line(row.text), row.place, unit_name(row.unit), row.others]
            for row in repeated_statements(record)[:STATEMENTS_SHOWN]
        ],
        "slowest": [
            [count, seconds_of(seconds), cut_line(text)]
            for seconds, count, text in slowest_statements(record)[:STATEMENTS_SHOWN]
        ],
        "tests": _units(record, [TEST + test for test in record.tests]),
        "setUp": _units(record, record.set_up),
        **({} if comparison is None else {"against": _comparison(comparison)}),
    }


def _units(record: SqlRecord, units: list[str]) -> list[dict[str, Any]]:
    most = sorted(units, key=lambda unit: -record.totals[unit][0])[:UNITS_SHOWN]
    return [_unit(record, unit) for unit in most if record.totals[unit][0]]


def _unit(record: SqlRecord, unit: str) -> dict[str, Any]:
    count, seconds = record.totals[unit]
    rows = []
    statements = list(record.statements(unit))
    for sent in statements[:STATEMENTS_SHOWN]:
        places = [
            [place, times, record.is_repeated(sent, times)] for place, times in places_of(sent)
        ]
        rows.append([sent.count, seconds_of(sent.seconds), cut_line(sent.text), places])
    return {
        "name": unit.removeprefix(TEST),
        "count": count,
        "seconds": seconds_of(seconds),
        "statements": rows,
        "more": len(statements) - len(rows),
    }


def _comparison(comparison: SqlComparison) -> dict[str, Any]:
    return {
        "run": run_name(comparison.before),
        "total": len(comparison.grown),
        "lines": [
            [line.count, cut_line(line.text), line.place, line.is_repeated, units]
            for line, units in comparison.lines[:STATEMENTS_SHOWN]
        ],
        "grown": [
            [
                unit_name(change.unit),
                change.before,
                change.after,
                [
                    [added.count, cut_line(added.text), added.place, added.is_repeated]
                    for added in change.added[:STATEMENTS_SHOWN]
                ],
            ]
            for change in comparison.grown[:UNITS_SHOWN]
        ],
    }
