"""Packs the usage of units, and repacks some of those that are packed already."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from ctest_containers.recording.sources import Definition
from ctest_containers.usage.model import Function, Usage
from ctest_containers.usage.units import (
    INTEGER,
    KINDS,
    MICROSECONDS,
    Column,
    Statements,
    Units,
)

MOST: Final = 2**32 - 1
"""The greatest integer that an array keeps."""


class _Numbers:
    """Numbers values in the order in which they are first seen."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}

    def of(self, value: Any) -> int:
        """Return the number of a value."""
        return self._known.setdefault(value, len(self._known))

    def translation(self, values: Sequence[Any], used: Iterable[int]) -> Callable[[int], int]:
        """Return a function from the used positions among other values to numbers."""
        # In ascending order, so that sets that are sorted mostly remain so.
        positions = sorted(set(used))
        return {position: self.of(values[position]) for position in positions}.__getitem__

    def values(self) -> list[Any]:
        """Return all values in the order of their numbers."""
        return list(self._known)


class _ColumnPacker:
    def __init__(self) -> None:
        self.column = Column()
        self.names = _Numbers()
        self._sets: dict[bytes, int] = {}

    def add(self, names: Iterable[Any]) -> None:
        """Add the set of the next unit."""
        self.column.set_of.append(self.number(map(self.names.of, names)))

    def copy(self, column: Column, units: Sequence[int]) -> None:
        """Add the sets of some units of another column."""
        sets = [column.set_of[unit] for unit in units]
        used = dict.fromkeys(sets)
        members = chain.from_iterable(map(column.positions, used))
        translate = self.names.translation(column.names, members)
        numbers = {number: self.number(map(translate, column.positions(number))) for number in used}
        self.column.set_of.extend(map(numbers.__getitem__, sets))

    def number(self, positions: Iterable[int]) -> int:
        """Return the number of the set of these names, which is added if it is new.

        Args:
            positions: The numbers of the names; some may occur more than once.
        """
        members = sorted(set(positions))
        # Most units have used nothing of most kinds.
        key = array(INTEGER, members).tobytes() if members else b""
        number = self._sets.get(key)
        if number is None:
            number = self._sets[key] = len(self._sets)
            self.column.members.extend(members)
            self.column.starts.append(len(self.column.members))
        return number

    def packed(self) -> Column:
        """Return the column; nothing may be added afterwards."""
        self.column.names = self.names.values()
        return self.column


class Packer:
    """Packs the usage of units; a unit that is added again replaces the first."""

    def __init__(self) -> None:
        self._units: list[str] = []
        self._columns = {kind: _ColumnPacker() for kind in KINDS}
        self._statements = Statements()
        self._texts, self._places = _Numbers(), _Numbers()

    def add(self, unit: str, usage: Usage) -> None:
        """Add a unit."""
        self.add_numbers(
            unit,
            (map(packer.names.of, getattr(usage, kind)) for kind, packer in self._columns.items()),
            (
                (
                    self._texts.of((statement.alias, statement.text)),
                    self._places.of(tuple(statement.places.items())),
                    statement.count,
                    round(statement.seconds * MICROSECONDS),
                )
                for statement in usage.statements
            ),
        )

    def add_numbers(
        self,
        unit: str,
        sets: Iterable[Iterable[int]],
        statements: Iterable[tuple[int, int, int, int]],
    ) -> None:
        """Add a unit whose names and statements have numbers already.

        Args:
            sets: For each of KINDS, the numbers of names.
            statements: The numbers of each statement and of its places, how often it was sent, and
                how long it took in microseconds.
        """
        self._units.append(unit)
        for packer, numbers in zip(self._columns.values(), sets, strict=True):
            packer.column.set_of.append(packer.number(numbers))
        packed = self._statements
        for text, places, count, duration in statements:
            packed.text_of.append(text)
            packed.places_of.append(places)
            packed.counts.append(count)
            packed.durations.append(min(duration, MOST))
        packed.starts.append(len(packed.counts))

    def name_number(self, kind: str, name: Any) -> int:
        """Return the number of a name, for `add_numbers`."""
        return self._columns[kind].names.of(name)

    def text_number(self, text: tuple[str, str]) -> int:
        """Return the number of a statement's alias and text."""
        return self._texts.of(text)

    def places_number(self, places: tuple[tuple[str, int], ...]) -> int:
        """Return the number of a statement's places."""
        return self._places.of(places)

    def copy(self, units: Units, names: Collection[str]) -> None:
        """Add units that are packed already, without unpacking them.

        Args:
            names: Which of the units to add.
        """
        indices = [units.index[name] for name in names]
        self._units += names
        for kind, packer in self._columns.items():
            packer.copy(units.columns[kind], indices)
        self._copy_statements(units.statements, indices)

    def _copy_statements(self, other: Statements, indices: Sequence[int]) -> None:
        packed = self._statements
        rows = [other.rows(index) for index in indices]
        for row in rows:
            packed.counts += other.counts[row]
            packed.durations += other.durations[row]
            packed.starts.append(len(packed.counts))
        for numbers, values, source, target in (
            (self._texts, other.texts, other.text_of, packed.text_of),
            (self._places, other.places, other.places_of, packed.places_of),
        ):
            taken = array(INTEGER, chain.from_iterable(source[row] for row in rows))
            target.extend(map(numbers.translation(values, taken), taken))

    def packed(self) -> Units:
        """Return the units; nothing may be added afterwards."""
        self._statements.texts = self._texts.values()
        self._statements.places = self._places.values()
        columns = {kind: packer.packed() for kind, packer in self._columns.items()}
        units = Units(self._units, columns, self._statements)
        if len(units) == len(self._units):
            return units
        packer = Packer()
        packer.copy(units, list(units))
        return packer.packed()


def pack(usages: Mapping[str, Usage]) -> Units:
    """Pack the usage of units, by their names."""
    packer = Packer()
    for unit, usage in usages.items():
        packer.add(unit, usage)
    return packer.packed()


def resolved(units: Units, definition_of: Callable[[Function], Definition]) -> Units:
    """Return units with definitions in place of functions.

    Args:
        definition_of: Returns the definition that a function is; it is called once for each
            function, not for each unit.
    """
    functions = units.columns["functions"]
    nothing, definitions = _ColumnPacker(), _ColumnPacker()
    names = [definitions.names.of(definition_of(function)) for function in functions.names]
    numbers = {
        number: definitions.number(map(names.__getitem__, functions.positions(number)))
        for number in dict.fromkeys(functions.set_of)
    }
    definitions.column.set_of.extend(map(numbers.__getitem__, functions.set_of))
    for _ in units:
        nothing.add(())
    columns = {"functions": nothing.packed(), "definitions": definitions.packed()}
    return Units(units, {**units.columns, **columns}, units.statements)
