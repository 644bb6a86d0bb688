"""The SQL of runs in words, for the terminal and for GitHub."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.statements.touched import StatementKind
from ctest_containers.text import plural, shortened
from ctest_containers.usage.model import TEST, StatementUsage

_SELECTED: Final = re.compile(r"^(SELECT (?:DISTINCT )?)(.{31,}?)( FROM )", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RepeatedStatement:
    """A statement that a line sends repeatedly.

    Attributes:
        count: How often in the unit that sends it most often.
        place: The line, as `file:line`.
        unit: That unit.
        others: How many other units send it repeatedly from there.
        is_read: Whether it only reads, as N+1 queries do.
    """

    count: int
    text: str
    place: str
    unit: str
    others: int
    is_read: bool


def queries(count: int) -> str:
    """Return a number of executed statements, in Django's words: `1 query`, `2 queries`."""
    return "1 query" if count == 1 else f"{count:,} queries"


def milliseconds(seconds: float) -> str:
    """Return a duration such as `0.04 ms`, `1.4 ms`, `12 ms` or `2.1 s`."""
    if seconds < 0.000995:
        return f"{seconds * 1000:.2f} ms"
    if seconds < 0.00995:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def abridged(text: str, length: int) -> str:
    """A statement that is cut to a length; the columns that it selects matter least."""
    if len(text) > length:
        text = _SELECTED.sub(r"\1…\3", text, count=1)
    return shortened(text, length)


def unit_name(unit: str) -> str:
    """Return the ID of a test, or a name such as `set-up of class orders.tests.OrderTests`."""
    return unit.removeprefix(TEST) if unit.startswith(TEST) else f"set-up of {unit}"


def run_name(record: SqlRecord) -> str:
    """Return a name such as `run 1a2b3c of 2026-11-30 21:14 (main, 8d1c288)`."""
    where = ", ".join(part for part in (record.branch, record.revision[:9]) if part)
    moment = record.started_at[:16].replace("T", " ")
    return f"run {record.run} of {moment}" + (f" ({where})" if where else "")


def totals(record: SqlRecord, units: Sequence[str]) -> tuple[int, float]:
    """How many statements units sent together, and how many seconds they took."""
    numbers = [record.totals[unit] for unit in units]
    return sum(count for count, _ in numbers), sum(seconds for _, seconds in numbers)


def headlines(record: SqlRecord) -> Iterator[str]:
    """One sentence about the tests, and one about their set-up."""
    tests = record.tests
    count, seconds = totals(record, [TEST + test for test in tests])
    yield (f"{queries(count)} of {plural(len(tests), 'test')} took {milliseconds(seconds)}.")
    if set_up := record.set_up:
        count, seconds = totals(record, set_up)
        yield (
            f"{queries(count)} of set-up, which do not count for tests, took "
            f"{milliseconds(seconds)}."
        )


def repeated_statements(record: SqlRecord) -> list[RepeatedStatement]:
    """The statements that are repeated in tests or in set-up: reads, then the most frequent."""
    most: dict[tuple[str, str], tuple[int, str]] = {}
    reads: set[str] = set()
    units = Counter[tuple[str, str]]()
    for unit in record.rows:
        for sent in record.statements(unit):
            for place, count in sent.places.items():
                if record.is_repeated(sent, count):
                    key = sent.text, place
                    units[key] += 1
                    if record.touched(sent).kind is StatementKind.SELECT:
                        reads.add(sent.text)
                    most[key] = max(most.get(key, (0, "")), (count, unit))
    rows = [
        RepeatedStatement(count, text, place, unit, units[text, place] - 1, text in reads)
        for (text, place), (count, unit) in most.items()
    ]
    rows.sort(key=lambda row: (not row.is_read, -row.count * (row.others + 1), row.place, row.text))
    return rows


def slowest_statements(record: SqlRecord) -> list[tuple[float, int, str]]:
    """How many seconds each statement took in the run, how often it was sent, and its text."""
    seconds, counts = defaultdict[str, float](float), Counter[str]()
    for unit in record.rows:
        for sent in record.statements(unit):
            seconds[sent.text] += sent.seconds
            counts[sent.text] += sent.count
    rows = [(took, counts[text], text) for text, took in seconds.items()]
    return sorted(rows, reverse=True)


def places_of(sent: StatementUsage) -> list[tuple[str, int]]:
    """The lines that sent a statement, the most frequent first."""
    return sorted(sent.places.items(), key=lambda place: (-place[1], place[0]))
