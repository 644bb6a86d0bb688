"""Decides which node runs which batches, and moves them when a node is lost or silent.

It depends neither on Dask nor on a clock, so a simulation can drive it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.workers.batch_progress import Work

AHEAD: Final = 1
"""Batches a node has for each worker beyond the running one, so that no worker waits."""

SOON_SECONDS: Final = 1.0
"""A node gets the next batch this long before one is expected to end."""

LOSSES: Final = 2
"""A test that was running on this many lost nodes fails instead of being tried again."""

SUSPECTS: Final = 2
"""How many of a batch's next tests may have brought down a node: one's end may be unreported."""


@dataclass(slots=True)
class NodeLoad:
    """The batches of a node.

    Attributes:
        slots: The number of its workers.
        batches: The batches that it has and that have not ended, by their numbers.
        silent: Whether it has sent nothing for too long.
    """

    slots: int
    batches: dict[int, Work] = field(default_factory=dict)
    silent: bool = False

    @property
    def idle(self) -> int:
        """How many of its workers are idle and can have work."""
        return 0 if self.silent else max(0, self.slots - len(self.batches))

    @property
    def room(self) -> int:
        """How many more batches it can have.

        A batch that waited behind a long one could have run elsewhere meanwhile.
        """
        ending = sum(map(_ends_soon, self.batches.values()))
        return self.slots + min(ending, self.slots * AHEAD) - len(self.batches)


class Scheduler:
    """Assigns batches in their order, each to one node, or to a second one if that is silent."""

    def __init__(self, works: Iterable[Work]) -> None:
        self._waiting = deque(works)
        self._loads: dict[str, NodeLoad] = {}
        self._holders: dict[int, set[str]] = defaultdict(set)
        self._idle = 0
        self._losses = Counter[int]()
        self._copies: set[int] = set()

    @property
    def is_done(self) -> bool:
        """Whether no batch waits, and no node has one."""
        return not self._waiting and not self._holders

    def slots_of(self, node: str) -> int:
        """Return how many workers a node has."""
        return self._loads[node].slots

    def unfinished(self) -> list[Work]:
        """Return every batch that has not ended, each once."""
        works = {work.batch.number: work for work in self._waiting}
        for load in self._loads.values():
            works |= load.batches
        return list(works.values())

    def join(self, node: str, slots: int) -> None:
        """Add a node that is ready."""
        self._loads[node] = NodeLoad(slots)
        self._idle += slots

    def assign(self, node: str) -> Work | None:
        """Assign a batch to a node; return None if it has enough, or no batch is left for it."""
        load = self._loads[node]
        # Early, every node gets batches ahead; at the end, none gets one that others could run.
        if not load.idle and len(self._waiting) <= self._idle:
            return None
        if load.silent or load.room <= 0:
            return None
        work = self._next(load)
        if work is not None:
            with self._changing(load):
                load.batches[work.batch.number] = work
            self._holders[work.batch.number].add(node)
        return work

    def ended(self, node: str, batch: int) -> None:
        """Note that a node has run a batch to its end, so that no other node needs to."""
        if not self.is_assigned(node, batch):
            return
        for holder in self._holders.pop(batch):
            load = self._loads[holder]
            with self._changing(load):
                del load.batches[batch]

    def is_assigned(self, node: str, batch: int) -> bool:
        """Return whether a node has a batch that has not ended anywhere."""
        return node in self._holders.get(batch, ())

    def mark_silent(self, node: str) -> None:
        """Let other nodes run copies of the batches of a node that sends nothing."""
        load = self._loads[node]
        with self._changing(load):
            load.silent = True

    def mark_responsive(self, node: str) -> None:
        """Note that a silent node has sent something again."""
        load = self._loads[node]
        with self._changing(load):
            load.silent = False

    def lose(self, node: str, running: Iterable[int] = ()) -> list[tuple[Work, int]]:
        """Remove a node that is gone; its batches wait again, before all others.

        Args:
            running: The indices of the tests that were running on it.

        Returns:
            The tests whose nodes have been lost too often, each with its batch.
        """
        load = self._loads.pop(node)
        self._idle -= load.idle
        given_up = []
        known = set(running)
        for number, work in reversed(load.batches.items()):
            suspects = [index for index in work.left if index in known]
            for index in suspects:
                self._losses[index] += 1
                if self._losses[index] >= LOSSES:
                    work.ended.add(index)
                    given_up.append((work, index))
            # The last events of its workers may be missing.
            is_incomplete = len(known) < load.slots
            work.careful = SUSPECTS if suspects or is_incomplete else 0
            self._copies.discard(number)
            self._holders[number].discard(node)
            if self._holders[number]:
                continue
            del self._holders[number]
            if work.left:
                self._waiting.appendleft(work)
        return given_up

    def clear(self) -> None:
        """Forget all batches: none is assigned or expected to end."""
        self._waiting.clear()
        self._holders.clear()
        for load in self._loads.values():
            with self._changing(load):
                load.batches.clear()

    @property
    def _silent(self) -> list[NodeLoad]:
        return [load for load in self._loads.values() if load.silent]

    @contextmanager
    def _changing(self, load: NodeLoad) -> Iterator[None]:
        """Update the number of idle workers, which is needed too often to count it each time."""
        self._idle -= load.idle
        yield
        self._idle += load.idle

    def _next(self, load: NodeLoad) -> Work | None:
        """Take the longest of the waiting batches and of those that only silent nodes have."""
        copy = self._longest_of_the_silent() if load.idle else None
        waiting = self._waiting[0] if self._waiting else None
        if copy is None or (waiting is not None and _seconds_left(waiting) >= _seconds_left(copy)):
            return self._waiting.popleft() if self._waiting else None
        self._copies.add(copy.batch.number)
        return copy

    def _longest_of_the_silent(self) -> Work | None:
        works = (
            work
            for load in self._silent
            for number, work in load.batches.items()
            if number not in self._copies
        )
        return max(works, key=_seconds_left, default=None)


def _seconds_left(work: Work) -> float:
    """Return how long the rest of a batch is expected to take; 0 if nothing is known."""
    tests = len(work.batch.tests)
    return work.seconds * (tests - len(work.ended)) / tests


def _ends_soon(work: Work) -> bool:
    """Return whether a batch is about to end: by its expected time or, if unknown, its tests."""
    if work.seconds:
        return _seconds_left(work) <= SOON_SECONDS
    return len(work.batch.tests) - len(work.ended) <= 1
