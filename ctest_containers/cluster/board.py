"""Which node has which batches, and what becomes of them when a node is lost or falls silent.

It knows neither Dask nor clocks, so a simulation can drive it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.workers.work import Work

AHEAD: Final = 1
"""Batches that a node has for each worker beyond the one that it runs, so that none waits."""

LOSSES: Final = 2
"""A test that was running when so many nodes were lost is not tried on another one."""

SUSPECTS: Final = 2
"""The next tests of a batch that may have taken a node down: one may have ended unheard."""


@dataclass(slots=True)
class Seat:
    """A node that has work, or can have some.

    Attributes:
        slots: How many workers it has.
        has: The batches that were given to it and have not ended, by their numbers.
        silent: Whether nothing has been heard of it for long.
    """

    slots: int
    has: dict[int, Work] = field(default_factory=dict)
    silent: bool = False

    @property
    def room(self) -> int:
        """How many batches it can have more."""
        return self.slots * (1 + AHEAD) - len(self.has)


class Board:
    """Gives out batches in their order, each to one node, or to two where the first is silent."""

    def __init__(self, works: Iterable[Work]) -> None:
        self._waiting = deque(works)
        self._seats: dict[str, Seat] = {}
        self._blamed = Counter[int]()
        self._copies: set[int] = set()

    @property
    def is_done(self) -> bool:
        """Whether no batch waits, and no node has one."""
        return not self._waiting and not any(seat.has for seat in self._seats.values())

    def slots_of(self, node: str) -> int:
        """How many workers a node has."""
        return self._seats[node].slots

    def unfinished(self) -> list[Work]:
        """Every batch that has not ended, each once."""
        found = {work.batch.number: work for work in self._waiting}
        for seat in self._seats.values():
            found |= seat.has
        return list(found.values())

    def join(self, node: str, slots: int) -> None:
        """A node is ready."""
        self._seats[node] = Seat(slots)

    def give(self, node: str) -> Work | None:
        """What a node is to run next; None while it has enough, or nothing is left for it."""
        seat = self._seats[node]
        if seat.silent or seat.room <= 0:
            return None
        # Early, every node gets its share; at the end, none keeps ahead what others could run.
        if len(seat.has) >= seat.slots and len(self._waiting) <= self._idle_slots():
            return None
        work = self._waiting.popleft() if self._waiting else self._copy_for(node)
        if work is not None:
            seat.has[work.batch.number] = work
        return work

    def ended(self, node: str, batch: int) -> None:
        """A node has run a batch to its end; nobody else needs to."""
        if node not in self._seats or self._seats[node].has.pop(batch, None) is None:
            return
        for seat in self._seats.values():
            seat.has.pop(batch, None)

    def has(self, node: str, batch: int) -> bool:
        """Whether a node has been given a batch, and it has not ended anywhere."""
        return node in self._seats and batch in self._seats[node].has

    def fall_silent(self, node: str) -> None:
        """Nothing has been heard of a node for long: others may run copies of what it has."""
        self._seats[node].silent = True

    def speak(self, node: str) -> None:
        """Something was heard of it again."""
        self._seats[node].silent = False

    def lose(self, node: str, running: Iterable[int] = ()) -> list[tuple[Work, int]]:
        """A node is gone: what it had waits again, before everything else.

        Args:
            running: The places of the tests that were running there.

        Returns:
            The tests that have now been lost with nodes too often, each with its batch.
        """
        seat = self._seats.pop(node)
        given_up = []
        known = set(running)
        for number, work in reversed(seat.has.items()):
            suspects = [index for index in work.left if index in known]
            for index in suspects:
                self._blamed[index] += 1
                if self._blamed[index] >= LOSSES:
                    work.ended.add(index)
                    given_up.append((work, index))
            # What one of its workers did last may not have been heard any more.
            unheard = len(known) < seat.slots
            work.careful = SUSPECTS if suspects or unheard else 0
            self._copies.discard(number)
            elsewhere = any(number in other.has for other in self._seats.values())
            if work.left and not elsewhere:
                self._waiting.appendleft(work)
        return given_up

    def clear(self) -> None:
        """Nothing more is given out, and nothing is expected any more."""
        self._waiting.clear()
        for seat in self._seats.values():
            seat.has.clear()

    def _idle_slots(self) -> int:
        return sum(
            max(0, one.slots - len(one.has)) for one in self._seats.values() if not one.silent
        )

    def _copy_for(self, node: str) -> Work | None:
        """A batch of a silent node, the longest first; each is copied once."""
        if self._seats[node].has:
            return None
        for seat in self._seats.values():
            if not seat.silent:
                continue
            for number, work in sorted(seat.has.items(), key=lambda one: -one[1].seconds):
                if number not in self._copies:
                    self._copies.add(number)
                    return work
        return None
