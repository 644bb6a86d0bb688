"""The usage of many units in little memory: names are numbers, and equal sets are stored once."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from ctest_containers.usage.model import StatementUsage, Usage

KINDS: Final = tuple(kind.name for kind in fields(Usage) if kind.name != "statements")
"""The fields of `Usage` that are sets of names."""

INTEGER: Final = next(code for code in "IL" if array(code).itemsize == 4)
"""The code of arrays of unsigned integers with 32 bits."""

MICROSECONDS: Final = 1_000_000


def integers(*values: int) -> array[int]:
    """Return an array with these integers."""
    return array(INTEGER, values)


@dataclass(slots=True)
class Column:
    """What units have used of one kind.

    Attributes:
        names: Each name once; some are pairs.
        starts: Where each distinct set starts in `members`, and where the last one ends.
        members: The positions of names, in ascending order within a set.
        set_of: The number of each unit's set.
    """

    names: list[Any] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: integers(0))
    members: array[int] = field(default_factory=integers)
    set_of: array[int] = field(default_factory=integers)

    def positions(self, number: int) -> array[int]:
        """Return the positions of the names in a set."""
        return self.members[self.starts[number] : self.starts[number + 1]]

    def get(self, unit: int) -> frozenset[Any]:
        """Return the names that a unit has used."""
        return frozenset(map(self.names.__getitem__, self.positions(self.set_of[unit])))


@dataclass(slots=True)
class Statements:
    """The SQL statements that units have sent.

    Attributes:
        texts: Each alias and text once.
        places: Each distinct group of places once, with their counts.
        starts: Where the statements of each unit start, and where those of the last one end.
        text_of: The position of each statement in `texts`.
        places_of: The position of its places in `places`.
        counts: How often it was sent.
        durations: How long it took in microseconds.
    """

    texts: list[tuple[str, str]] = field(default_factory=list)
    places: list[tuple[tuple[str, int], ...]] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: integers(0))
    text_of: array[int] = field(default_factory=integers)
    places_of: array[int] = field(default_factory=integers)
    counts: array[int] = field(default_factory=integers)
    durations: array[int] = field(default_factory=integers)

    def rows(self, unit: int) -> slice:
        """Return where the statements of a unit are."""
        return slice(self.starts[unit], self.starts[unit + 1])

    def get(self, unit: int) -> tuple[StatementUsage, ...]:
        """Return the statements of a unit."""
        rows = self.rows(unit)
        return tuple(map(self._statement, range(rows.start, rows.stop)))

    def _statement(self, row: int) -> StatementUsage:
        alias, text = self.texts[self.text_of[row]]
        return StatementUsage(
            text=text,
            alias=alias,
            count=self.counts[row],
            seconds=self.durations[row] / MICROSECONDS,
            places=dict(self.places[self.places_of[row]]),
        )


class Units(Mapping[str, Usage]):
    """The usage of units by name, which is unpacked when it is looked up.

    Attributes:
        index: The number of each unit, by its name.
        columns: What they have used, by the name of a field of `Usage`.
        statements: The SQL statements that they have sent.
    """

    def __init__(
        self,
        names: Collection[str] = (),
        columns: Mapping[str, Column] | None = None,
        statements: Statements | None = None,
    ) -> None:
        self.index: Final = {name: number for number, name in enumerate(names)}
        self.columns: Final = columns or {kind: Column() for kind in KINDS}
        self.statements: Final = statements or Statements()

    def __getitem__(self, name: str) -> Usage:
        unit = self.index[name]
        sets: dict[str, Any] = {kind: column.get(unit) for kind, column in self.columns.items()}
        return Usage(**sets, statements=self.statements.get(unit))

    def __iter__(self) -> Iterator[str]:
        return iter(self.index)

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, name: object) -> bool:
        return name in self.index

    def names(self, kind: str) -> Collection[Any]:
        """Return every name of a kind, each once.

        Args:
            kind: The name of a field of `Usage`, except `statements`.
        """
        return self.columns[kind].names

    def users(self, kind: str, names: Collection[Any]) -> set[str]:
        """Return the units that have used any of these names of a kind."""
        column = self.columns[kind]
        wanted = {position for position, name in enumerate(column.names) if name in names}
        if not wanted:
            return set()
        sets = [
            not wanted.isdisjoint(column.positions(number))
            for number in range(len(column.starts) - 1)
        ]
        return {name for name, unit in self.index.items() if sets[column.set_of[unit]]}

    def statement_texts(self) -> Collection[tuple[str, str]]:
        """Return the alias and text of every statement, each once."""
        return self.statements.texts

    def statement_users(self, texts: Collection[tuple[str, str]]) -> set[str]:
        """Return the units that have sent any of these statements."""
        statements = self.statements
        wanted = {position for position, text in enumerate(statements.texts) if text in texts}
        if not wanted:
            return set()
        return {
            name
            for name, unit in self.index.items()
            if not wanted.isdisjoint(statements.text_of[statements.rows(unit)])
        }
