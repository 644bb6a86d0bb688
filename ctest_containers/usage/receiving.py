"""Packs the usage of tests as it arrives, without making sets of names in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ctest_containers.events.usage import UsageRecorded
from ctest_containers.usage.decoding import entry_of
from ctest_containers.usage.messages import unpacked
from ctest_containers.usage.packing import Packer
from ctest_containers.usage.units import KINDS

PLACE_OF: Final = {kind: place for place, kind in enumerate(KINDS)}


class SentNames:
    """The names that a process has sent, with the numbers that a packer has for them.

    Those of the process are positions in the lists.
    """

    def __init__(self, packer: Packer) -> None:
        self.texts: Final[list[str]] = []
        self._packer = packer
        self._numbers: list[tuple[int, int] | None] = []
        self._statements: dict[tuple[int, int], int] = {}
        self._places: dict[tuple[int, ...], int] = {}

    def add(self, event: UsageRecorded) -> None:
        """Add the new names of an event.

        Raises:
            ValueError: Events before it are missing.
        """
        if len(self.texts) != event.first:
            raise ValueError(f"events are missing before {event.unit!r}")
        self.texts.extend(event.names)
        self._numbers.extend([None] * len(event.names))

    def pack(self, event: UsageRecorded) -> None:
        """Add the unit of an event to the packer."""
        sets: Sequence[list[int]] = [[] for _ in KINDS]
        numbers = self._numbers
        for number in unpacked(event.used):
            kind, packed = numbers[number] or self._number(number)
            sets[kind].append(packed)
        self._packer.add_numbers(event.unit, sets, map(self._row, event.statements))

    def _number(self, number: int) -> tuple[int, int]:
        kind, name = entry_of(self.texts[number])
        entry = PLACE_OF[kind], self._packer.name_number(kind, name)
        self._numbers[number] = entry
        return entry

    def _row(self, statement: tuple[int, ...]) -> tuple[int, int, int, int]:
        alias, text, count, duration, *places = statement
        packed = self._statements.get((alias, text))
        if packed is None:
            packed = self._packer.text_number((self.texts[alias], self.texts[text]))
            self._statements[alias, text] = packed
        key = tuple(places)
        packed_places = self._places.get(key)
        if packed_places is None:
            names = map(self.texts.__getitem__, places[::2])
            pairs = tuple(zip(names, places[1::2], strict=True))
            packed_places = self._places[key] = self._packer.places_number(pairs)
        return packed, packed_places, count, duration
