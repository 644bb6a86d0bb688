"""The SQL statements of a run, by the unit that sent them, in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from ctest_containers.statements.touched import StatementKind, Touched, touched
from ctest_containers.usage.model import TEST, StatementUsage

REPEATED: Final = 5
"""A statement that a line sends so often in a test is marked as repeated."""

MICROSECONDS: Final = 1_000_000

LARGEST: Final = 2**32 - 1
"""The largest number in an array; as microseconds, more than an hour."""

Row: TypeAlias = Sequence[int]
"""A statement as in `UsageRecorded`: alias, text, count, microseconds, then places and counts."""


@dataclass(frozen=True, kw_only=True)
class SqlRecord:
    """The SQL of a run.

    Attributes:
        run: The run's ID.
        started_at: The date and time in UTC, in the format of ISO 8601.
        branch: The Git branch that was checked out; empty if unknown.
        revision: The commit that was checked out; empty if unknown.
        vendors: The vendor of each database, by its alias.
        texts: The names that numbers stand for: texts of statements, aliases, and lines.
        rows: The statements of each test that ran, and of each other unit that sent any, as
            numbers: alias, text, count, microseconds, the number of lines, then each line and how
            often it sent the statement.
    """

    run: str
    started_at: str
    branch: str = ""
    revision: str = ""
    vendors: Mapping[str, str]
    texts: list[str]
    rows: Mapping[str, array[int]]

    def statements(self, unit: str) -> Iterator[StatementUsage]:
        """The statements of a unit, in the order in which each was sent first.

        Django's test cases begin and end transactions, and check constraints: statements that no
        line of the project sent and that name no table are left out.
        """
        texts = self.texts
        for alias, text, count, microseconds, *places in self._rows_of(unit):
            yield StatementUsage(
                text=texts[text],
                alias=texts[alias],
                count=count,
                seconds=microseconds / MICROSECONDS,
                places=dict(zip(map(texts.__getitem__, places[::2]), places[1::2], strict=True)),
            )

    def _rows_of(self, unit: str) -> Iterator[Row]:
        for row in rows_in(self.rows.get(unit, _NOTHING)):
            if len(row) > 4 or self._touched(self.texts[row[0]], self.texts[row[1]]).tables:
                yield row

    def touched(self, statement: StatementUsage) -> Touched:
        """The tables that a statement reads and writes."""
        return self._touched(statement.alias, statement.text)

    def _touched(self, alias: str, text: str) -> Touched:
        return touched(text, self.vendors.get(alias, ""))

    def is_repeated(self, statement: StatementUsage, count: int) -> bool:
        """Whether a line that has sent a statement so often is marked."""
        return count >= REPEATED and self.touched(statement).kind is not StatementKind.OTHER

    @property
    def tests(self) -> list[str]:
        """The IDs of the tests that ran."""
        return [unit.removeprefix(TEST) for unit in self.rows if unit.startswith(TEST)]

    @property
    def set_up(self) -> list[str]:
        """Other units that sent statements, such as `class orders.tests.OrderTests`."""
        return [unit for unit in self.rows if not unit.startswith(TEST)]

    @cached_property
    def totals(self) -> Mapping[str, tuple[int, float]]:
        """How many statements each unit sent, and how many seconds they took."""
        return {unit: self.total(unit) for unit in self.rows}

    def total(self, unit: str) -> tuple[int, float]:
        """How many statements a unit sent, and how many seconds they took."""
        rows = list(self._rows_of(unit))
        return sum(row[2] for row in rows), sum(row[3] for row in rows) / MICROSECONDS


def rows_in(rows: array[int]) -> Iterator[Row]:
    """The statements in an array."""
    index = 0
    while index < len(rows):
        end = index + 5 + 2 * rows[index + 4]
        yield (*rows[index : index + 4], *rows[index + 5 : end])
        index = end


def append_row(rows: array[int], row: Row) -> None:
    """Append a statement to an array."""
    alias, text, count, microseconds, *places = row
    rows.extend((alias, text, count, min(microseconds, LARGEST), len(places) // 2, *places))


def count_in(rows: array[int]) -> int:
    """How many statements of an array were sent."""
    return sum(row[2] for row in rows_in(rows))


_NOTHING: Final = array("I")
