"""Puts the SQL of a run together from the events about what tests use."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.events import UsageRecorded
from ctest_containers.report.sql.record import SqlRecord, append_row, count_in, rows_in
from ctest_containers.usage.model import TEST

LONGEST_LIST: Final = 2000
"""How many distinct statements of a unit are recorded; the others are counted together."""

OTHERS: Final = "(other statements)"
"""The text of those others."""


@dataclass(slots=True)
class _Process:
    """A process of a worker, in which names have numbers of their own.

    Attributes:
        number: The number of the process in the run.
        numbers: The number in the record of each of its names; -1 if it has none yet.
    """

    number: int
    names: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


class SqlCollector:
    """Collects the statements of units as numbers, which takes a microsecond for each.

    What a unit sends in several parts adds up. Of a unit that runs in several processes, such as a
    test that is run again, or the set-up of a class whose tests several workers run, the process
    counts in which it sent most.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._processes: dict[int, _Process] = {}
        self._started = 0
        self._rows: dict[tuple[str, int], array[int]] = {}
        self._in_parts: set[tuple[str, int]] = set()

    def add(self, event: UsageRecorded) -> None:
        """Add what a unit has sent. All events of a worker must be added, in their order."""
        process = self._processes.get(event.worker)
        if process is None or event.first == 0:
            self._started += 1
            process = self._processes[event.worker] = _Process(self._started)
        process.names += event.names
        process.numbers += [-1] * len(event.names)
        numbers, rows = process.numbers, array("I")
        for row in event.statements:
            for name in (row[0], row[1], *row[4::2]):
                if numbers[name] < 0:
                    numbers[name] = self._number(process.names[name])
            alias, text, count, microseconds, *places = row
            places[::2] = [numbers[place] for place in places[::2]]
            append_row(rows, (numbers[alias], numbers[text], count, microseconds, *places))
        key = event.unit, process.number
        if key in self._rows:
            self._rows[key].extend(rows)
            self._in_parts.add(key)
        elif len(event.statements) > LONGEST_LIST:
            self._rows[key] = self._summed(rows)
        else:
            self._rows[key] = rows

    def record(
        self, *, run: str, started_at: str, branch: str, revision: str, vendors: Mapping[str, str]
    ) -> SqlRecord:
        """The record of everything that was added."""
        for key in self._in_parts:
            self._rows[key] = self._summed(self._rows[key])
        most: dict[str, array[int]] = {}
        for (unit, _), rows in self._rows.items():
            if unit not in most:
                if rows or unit.startswith(TEST):
                    most[unit] = rows
            elif count_in(rows) > count_in(most[unit]):
                most[unit] = rows
        return SqlRecord(
            run=run,
            started_at=started_at,
            branch=branch,
            revision=revision,
            vendors=dict(vendors),
            texts=list(self._numbers),
            rows=most,
        )

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def _summed(self, rows: array[int]) -> array[int]:
        """The rows with one for each statement, and one for those that are too many."""
        sums: dict[tuple[int, int], list[int]] = {}
        places: dict[tuple[int, int], Counter[int]] = {}
        for alias, text, count, microseconds, *lines in rows_in(rows):
            key = alias, text
            if key not in sums and len(sums) >= LONGEST_LIST:
                key = alias, self._number(OTHERS)
            total = sums.setdefault(key, [0, 0])
            total[0] += count
            total[1] += microseconds
            seen = places.setdefault(key, Counter())
            for place, times in zip(lines[::2], lines[1::2], strict=True):
                seen[place] += times
        summed = array("I")
        for key, total in sums.items():
            lines = [number for line in places[key].most_common(LONGEST_LIST) for number in line]
            append_row(summed, (*key, *total, *lines))
        return summed
