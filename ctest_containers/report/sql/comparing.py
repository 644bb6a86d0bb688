"""What the tests of one run send that those of an earlier run did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.usage.model import CLASS, MODULE, TEST, StatementUsage

CACHED: Final = frozenset({"django_content_type", "django_site"})
"""Tables whose rows Django keeps in memory: the first test of a process that needs one reads it."""


@dataclass(frozen=True, slots=True)
class AddedStatement:
    """A statement that a unit sends more often.

    Attributes:
        count: How often it is sent more.
        place: The line that sends most of these, as `file:line`; empty if unknown.
        is_repeated: Whether that line sends it repeatedly now.
    """

    text: str
    alias: str
    count: int
    place: str
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A unit that sends more statements, fewer, or others.

    Attributes:
        before: How many it sent.
        after: How many it sends.
        added: Statements that it sends more often, most first.
    """

    unit: str
    before: int
    after: int
    added: tuple[AddedStatement, ...]

    @property
    def growth(self) -> int:
        """How many statements it sends more."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class SqlComparison:
    """A run against an earlier one.

    Attributes:
        grown: Units that send more statements, the largest growth first.
        changed: Units that send as many statements as before, but others, or fewer.
        shrunk: How many of those send fewer.
        new: Units that the earlier run did not have, with the number of their statements.
        gone: Units that only the earlier run had.
    """

    before: SqlRecord
    after: SqlRecord
    grown: tuple[UnitChange, ...]
    changed: tuple[UnitChange, ...]
    shrunk: int
    new: Mapping[str, int]
    gone: Mapping[str, int]

    @property
    def lines(self) -> list[tuple[AddedStatement, int]]:
        """Each line that sends a statement more often, and in how many units, most first.

        The count of a statement is that of all units.
        """
        counts, units = Counter[AddedStatement](), Counter[AddedStatement]()
        repeated: set[AddedStatement] = set()
        for change in self.grown:
            for added in change.added:
                key = AddedStatement(added.text, added.alias, 0, added.place, is_repeated=False)
                counts[key] += added.count
                units[key] += 1
                if added.is_repeated:
                    repeated.add(key)
        return [
            (
                AddedStatement(key.text, key.alias, count, key.place, key in repeated),
                units[key],
            )
            for key, count in counts.most_common()
        ]


def compare(before: SqlRecord, after: SqlRecord) -> SqlComparison:
    """What changed from one run to another, in the tests that both have and in their set-up.

    Statements that only touch tables in `CACHED` are left out.
    """
    new = {unit: after.total(unit)[0] for unit in after.rows if unit not in before.rows}
    gone = {unit: before.total(unit)[0] for unit in before.rows if unit not in after.rows}
    # Set-up that sends nothing is not recorded: it is new only if all its tests are.
    common = {test for test in after.tests if TEST + test in before.rows}
    owners = {owner for test in common for owner in accumulate(test.split("."), "{}.{}".format)}
    alone = {unit for unit in [*new, *gone] if not _is_of(unit, owners)}
    both = [unit for unit in [*after.rows, *gone] if unit not in alone]
    changes = [change for unit in both if (change := _change(before, after, unit))]
    grown = [change for change in changes if change.growth > 0]
    grown.sort(key=lambda change: (-change.growth, change.unit))
    return SqlComparison(
        before,
        after,
        tuple(grown),
        tuple(change for change in changes if change.growth <= 0),
        sum(change.growth < 0 for change in changes),
        {unit: count for unit, count in new.items() if unit in alone},
        {unit: count for unit, count in gone.items() if unit in alone},
    )


def _is_of(unit: str, owners: Collection[str]) -> bool:
    """Whether a unit is set-up of tests in both runs, whose classes and modules are its owners."""
    if unit.startswith((CLASS, MODULE)):
        return unit.partition(" ")[2] in owners
    return not unit.startswith(TEST)


def _change(before: SqlRecord, after: SqlRecord, unit: str) -> UnitChange | None:
    counts, places = Counter[tuple[str, str]](), Counter[tuple[tuple[str, str], str]]()
    sent_before = sent_after = 0
    for sent in _compared(before, unit):
        sent_before += sent.count
        counts[sent.alias, sent.text] -= sent.count
        for place, count in sent.places.items():
            places[(sent.alias, sent.text), place] -= count
    now: dict[tuple[str, str], StatementUsage] = {}
    for sent in _compared(after, unit):
        sent_after += sent.count
        now[sent.alias, sent.text] = sent
        counts[sent.alias, sent.text] += sent.count
        for place, count in sent.places.items():
            places[(sent.alias, sent.text), place] += count
    if not any(counts.values()):
        return None
    added = []
    for key, count in counts.most_common():
        if count <= 0:
            break
        # Lines move: the one that sends it most often more than the line of that number did.
        lines = now[key].places
        _, place = max((places[key, line], line) for line in lines or [""])
        is_repeated = after.is_repeated(now[key], lines.get(place, 0))
        added.append(AddedStatement(key[1], key[0], count, place, is_repeated))
    return UnitChange(unit, sent_before, sent_after, tuple(added))


def _compared(record: SqlRecord, unit: str) -> Iterator[StatementUsage]:
    """The statements of a unit that don't depend on what ran before it in the same process."""
    for sent in record.statements(unit):
        if not record.touched(sent).tables or not record.touched(sent).tables <= CACHED:
            yield sent


@dataclass(frozen=True, slots=True)
class Growth:
    """How many more statements a unit may send: a number, or a percentage of those before."""

    number: float
    is_percentage: bool

    def exceeded(self, comparison: SqlComparison) -> Iterator[UnitChange]:
        """The units that send more; new ones may send any number."""
        for change in comparison.grown:
            share = change.before / 100 if self.is_percentage else 1
            if change.growth > self.number * share:
                yield change

    def __str__(self) -> str:
        return f"{self.number:g}{'%' if self.is_percentage else ''}"


def parse_growth(text: str) -> Growth:
    """A number of statements such as `3`, or a percentage such as `10%`.

    Raises:
        ValueError: It is neither, or negative.
    """
    number = float(text.removesuffix("%")) if text.endswith("%") else int(text)
    if not 0 <= number < float("inf"):
        raise ValueError(text)
    return Growth(number, text.endswith("%"))
