"""The SQL statements of a run, by the unit that sent them, in little memory."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, TypeAlias

from ctest_containers.statements.touched import StatementKind, Touched, touched
from ctest_containers.usage.model import TEST, StatementUsage, Usage

LONGEST_LIST: Final = 2000
"""How many distinct statements of a unit are recorded; the others are counted together."""

OTHERS: Final = "(other statements)"
"""The text of those others."""

REPEATED: Final = 5
"""A statement that a line sends so often in a test is marked as repeated."""

MICROSECONDS: Final = 1_000_000

LARGEST: Final = 2**32 - 1
"""The largest number in an array; more than an hour of microseconds."""

Process: TypeAlias = tuple[int, int]
"""A worker, and which of its processes."""


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
            numbers: text, alias, count, microseconds, the number of lines, then each line and how
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
        for sent in self.of_rows(self.rows.get(unit, array("I"))):
            if sent.places or self.touched(sent).tables:
                yield sent

    def of_rows(self, rows: array[int]) -> Iterator[StatementUsage]:
        """The statements that numbers stand for."""
        texts, index = self.texts, 0
        while index < len(rows):
            text, alias, count, microseconds, lines = rows[index : index + 5]
            index += 5
            places = rows[index : index + 2 * lines]
            index += 2 * lines
            yield StatementUsage(
                text=texts[text],
                alias=texts[alias],
                count=count,
                seconds=microseconds / MICROSECONDS,
                places={
                    texts[place]: times
                    for place, times in zip(places[::2], places[1::2], strict=True)
                },
            )

    def touched(self, statement: StatementUsage) -> Touched:
        """The tables that a statement reads and writes."""
        return touched(statement.text, self.vendors.get(statement.alias, ""))

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
        return {unit: self._total(unit) for unit in self.rows}

    def _total(self, unit: str) -> tuple[int, float]:
        statements = list(self.statements(unit))
        return sum(sent.count for sent in statements), sum(sent.seconds for sent in statements)


@dataclass(slots=True)
class SqlCollector:
    """Puts a record together while tests run."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _rows: dict[tuple[str, Process], array[int]] = field(default_factory=dict)
    _added_twice: set[tuple[str, Process]] = field(default_factory=set)

    def add(
        self, unit: str, statements: Iterable[StatementUsage], *, process: Process = (0, 0)
    ) -> None:
        """Add what a unit has sent to what it has sent before in the same process.

        Of a unit that runs in several processes, such as a test that is run again, or the set-up of
        a class whose tests several workers run, the process counts in which it sent most.
        """
        key, rows = (unit, process), self._array(_limited(statements))
        if key in self._rows:
            self._rows[key].extend(rows)
            self._added_twice.add(key)
        else:
            self._rows[key] = rows

    def record(
        self, *, run: str, started_at: str, branch: str, revision: str, vendors: Mapping[str, str]
    ) -> SqlRecord:
        """The record of everything that was added."""
        record = SqlRecord(
            run=run,
            started_at=started_at,
            branch=branch,
            revision=revision,
            vendors=dict(vendors),
            texts=list(self._numbers),
            rows={},
        )
        for key in self._added_twice:
            usage = Usage() | Usage(statements=tuple(record.of_rows(self._rows[key])))
            self._rows[key] = self._array(usage.statements)
        most: dict[str, array[int]] = {}
        for (unit, _), rows in self._rows.items():
            if unit not in most:
                if rows or unit.startswith(TEST):
                    most[unit] = rows
            else:
                most[unit] = max(most[unit], rows, key=lambda rows: _sent_by(record, rows))
        return replace(record, rows=most)

    def _array(self, statements: Iterable[StatementUsage]) -> array[int]:
        return array("I", [number for sent in statements for number in self._row(sent)])

    def _row(self, sent: StatementUsage) -> Iterator[int]:
        yield self._number(sent.text)
        yield self._number(sent.alias)
        yield sent.count
        yield min(round(sent.seconds * MICROSECONDS), LARGEST)
        yield len(sent.places)
        for place, count in sent.places.items():
            yield self._number(place)
            yield count

    def _number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))


def _sent_by(record: SqlRecord, rows: array[int]) -> int:
    return sum(sent.count for sent in record.of_rows(rows))


def _limited(statements: Iterable[StatementUsage]) -> Iterator[StatementUsage]:
    others: dict[str, list[StatementUsage]] = {}
    for number, sent in enumerate(statements):
        if number < LONGEST_LIST:
            yield sent
        else:
            others.setdefault(sent.alias, []).append(sent)
    for alias, rest in others.items():
        places = Counter[str]()
        for sent in rest:
            places.update(sent.places)
        yield StatementUsage(
            text=OTHERS,
            alias=alias,
            count=sum(sent.count for sent in rest),
            seconds=sum(sent.seconds for sent in rest),
            places=dict(places.most_common(LONGEST_LIST)),
        )
