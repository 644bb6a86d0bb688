"""Joins the SQL of jobs that have shared the tests of a run."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from ctest_containers.report.sql.record import SqlRecord, append_row, count_in, rows_in


def merge_sql(records: Sequence[SqlRecord]) -> SqlRecord:
    """Join records; the one of the job that started first names the run.

    Of a unit of several jobs, such as the set-up of a class, the job counts in which it sent most.
    """
    numbers: dict[str, int] = {}
    most: dict[str, array[int]] = {}
    for record in records:
        new = [numbers.setdefault(text, len(numbers)) for text in record.texts]
        for unit, rows in record.rows.items():
            if unit not in most or count_in(rows) > count_in(most[unit]):
                most[unit] = _renumbered(rows, new)
    first = min(records, key=lambda record: record.started_at)
    vendors = {alias: vendor for record in records for alias, vendor in record.vendors.items()}
    return SqlRecord(
        run=first.run,
        started_at=first.started_at,
        branch=first.branch,
        revision=first.revision,
        vendors=vendors,
        texts=list(numbers),
        rows=most,
    )


def _renumbered(rows: array[int], new: Sequence[int]) -> array[int]:
    renumbered = array("I")
    for alias, text, count, microseconds, *places in rows_in(rows):
        places[::2] = [new[place] for place in places[::2]]
        append_row(renumbered, (new[alias], new[text], count, microseconds, *places))
    return renumbered
