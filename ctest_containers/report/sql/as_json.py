"""The SQL of runs as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from ctest_containers.report.sql.comparing import SqlComparison, UnitChange
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.sql.words import places_of
from ctest_containers.usage.model import TEST

FORMAT: Final = "ctest-containers-sql-report"
VERSION: Final = 1


def run_as_json(record: SqlRecord) -> dict[str, Any]:
    """All statements of a run, by test and by set-up."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": _run(record),
        "tests": [{"id": test, **_unit(record, TEST + test)} for test in record.tests],
        "set_up": [{"unit": unit, **_unit(record, unit)} for unit in record.set_up],
    }


def comparison_as_json(comparison: SqlComparison) -> dict[str, Any]:
    """What a run sends that an earlier one did not."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": _run(comparison.after),
        "against": _run(comparison.before),
        "grown": [_change(change) for change in comparison.grown],
        "changed": [_change(change) for change in comparison.changed],
        "new": dict(comparison.new),
        "gone": dict(comparison.gone),
    }


def _run(record: SqlRecord) -> dict[str, Any]:
    return {
        "id": record.run,
        "started_at": record.started_at,
        "branch": record.branch,
        "revision": record.revision,
    }


def _unit(record: SqlRecord, unit: str) -> dict[str, Any]:
    count, seconds = record.totals[unit]
    statements = []
    for sent in record.statements(unit):
        touched = record.touched(sent)
        statements.append(
            {
                "text": sent.text,
                "alias": sent.alias,
                "count": sent.count,
                "seconds": sent.seconds,
                "reads": sorted(touched.read),
                "writes": sorted(touched.written),
                "lines": [
                    {"line": place, "count": times, "repeated": record.is_repeated(sent, times)}
                    for place, times in places_of(sent)
                ],
            }
        )
    return {"count": count, "seconds": round(seconds, 6), "statements": statements}


def _change(change: UnitChange) -> dict[str, Any]:
    return {
        "unit": change.unit,
        "before": change.before,
        "after": change.after,
        "added": [asdict(added) for added in change.added],
    }
