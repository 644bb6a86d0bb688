"""Which node has which batches, and what becomes of them when a node is lost or falls silent.

It knows neither Dask nor clocks, so a simulation can drive it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.workers.batch_progress import Work

AHEAD: Final = 1
"""Batches that a node has for each worker beyond the one that it runs, so that none waits."""

SOON_SECONDS: Final = 1.0
"""A batch that is about to end: so long ahead, its node gets the next one."""

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
    def idle(self) -> int:
        """How many of its workers have nothing to do, and could have."""
        return 0 if self.silent else max(0, self.slots - len(self.has))

    @property
    def room(self) -> int:
        """How many batches it can have more.

        What waits behind a batch that runs for long could have run elsewhere meanwhile.
        """
        ending = sum(map(_ends_soon, self.has.values()))
        return self.slots + min(ending, self.slots * AHEAD) - len(self.has)


class Scheduler:
    """Gives out batches in their order, each to one node, or to two where the first is silent."""

    def __init__(self, works: Iterable[Work]) -> None:
        self._waiting = deque(works)
        self._seats: dict[str, Seat] = {}
        self._holders: dict[int, set[str]] = defaultdict(set)
        self._idle = 0
        self._blamed = Counter[int]()
        self._copies: set[int] = set()

    @property
    def is_done(self) -> bool:
        """Whether no batch waits, and no node has one."""
        return not self._waiting and not self._holders

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
        self._idle += slots

    def give(self, node: str) -> Work | None:
        """What a node is to run next; None while it has enough, or nothing is left for it."""
        seat = self._seats[node]
        # Early, every node gets its share; at the end, none keeps ahead what others could run.
        if not seat.idle and len(self._waiting) <= self._idle:
            return None
        if seat.silent or seat.room <= 0:
            return None
        work = self._next(seat)
        if work is not None:
            with self._changing(seat):
                seat.has[work.batch.number] = work
            self._holders[work.batch.number].add(node)
        return work

    def ended(self, node: str, batch: int) -> None:
        """A node has run a batch to its end; nobody else needs to."""
        if not self.has(node, batch):
            return
        for holder in self._holders.pop(batch):
            seat = self._seats[holder]
            with self._changing(seat):
                del seat.has[batch]

    def has(self, node: str, batch: int) -> bool:
        """Whether a node has been given a batch, and it has not ended anywhere."""
        return node in self._holders.get(batch, ())

    def fall_silent(self, node: str) -> None:
        """Nothing has been heard of a node for long: others may run copies of what it has."""
        seat = self._seats[node]
        with self._changing(seat):
            seat.silent = True

    def speak(self, node: str) -> None:
        """Something was heard of it again."""
        seat = self._seats[node]
        with self._changing(seat):
            seat.silent = False

    def lose(self, node: str, running: Iterable[int] = ()) -> list[tuple[Work, int]]:
        """A node is gone: what it had waits again, before everything else.

        Args:
            running: The places of the tests that were running there.

        Returns:
            The tests that have now been lost with nodes too often, each with its batch.
        """
        seat = self._seats.pop(node)
        self._idle -= seat.idle
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
            self._holders[number].discard(node)
            if self._holders[number]:
                continue
            del self._holders[number]
            if work.left:
                self._waiting.appendleft(work)
        return given_up

    def clear(self) -> None:
        """Nothing more is given out, and nothing is expected any more."""
        self._waiting.clear()
        self._holders.clear()
        for seat in self._seats.values():
            with self._changing(seat):
                seat.has.clear()

    @property
    def _silent(self) -> list[Seat]:
        return [seat for seat in self._seats.values() if seat.silent]

    @contextmanager
    def _changing(self, seat: Seat) -> Iterator[None]:
        """Keep the number of idle workers, which is asked for at every turn, while one changes."""
        self._idle -= seat.idle
        yield
        self._idle += seat.idle

    def _next(self, seat: Seat) -> Work | None:
        """The longest of what waits, and of what silent nodes have and no other runs yet."""
        copy = self._longest_of_the_silent() if seat.idle else None
        waiting = self._waiting[0] if self._waiting else None
        if copy is None or (waiting is not None and _seconds_left(waiting) >= _seconds_left(copy)):
            return self._waiting.popleft() if self._waiting else None
        self._copies.add(copy.batch.number)
        return copy

    def _longest_of_the_silent(self) -> Work | None:
        found = (
            work
            for seat in self._silent
            for number, work in seat.has.items()
            if number not in self._copies
        )
        return max(found, key=_seconds_left, default=None)


def _seconds_left(work: Work) -> float:
    """What the rest of a batch is expected to take; 0 where nothing is known."""
    tests = len(work.batch.tests)
    return work.seconds * (tests - len(work.ended)) / tests


def _ends_soon(work: Work) -> bool:
    """Whether little is left of a batch: its last test, or what is expected to take no time."""
    if work.seconds:
        return _seconds_left(work) <= SOON_SECONDS
    return len(work.batch.tests) - len(work.ended) <= 1
