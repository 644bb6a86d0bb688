"""Decides which workers to give up while memory is short, and which to take back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.originals import ORIGINALS
from ctest_containers.workers.slot import Slot

LOOK_SECONDS: Final = 0.5
"""Between two looks at the memory."""

CHANGE_SECONDS: Final = 2.0
"""Between two workers that are given up or taken back, so that each shows in the memory first."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Give up a worker until there is more memory."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Resume:
    """Take a worker back."""

    slot: Slot


class MemoryWatch:
    """Knows when there are too many workers for the memory, and when there may be one more.

    Args:
        available: Memory that is free for tests, in bytes; None when it cannot be known.
        floor_bytes: What has to stay free; 0 to look at nothing.
        worker_bytes: What one more worker takes.
        process_limit_bytes: What a worker's process may have before it is replaced; None for any.
    """

    def __init__(
        self,
        *,
        available: Callable[[], int | None],
        floor_bytes: int,
        worker_bytes: int,
        process_limit_bytes: int | None = None,
    ) -> None:
        self.floor_bytes = floor_bytes
        self.process_limit_bytes = process_limit_bytes
        self._available = available
        self._worker_bytes = worker_bytes
        self._looked = self._changed = float("-inf")
        self.available_bytes: int | None = None

    def look(self) -> bool:
        """Ask again how much is available, unless that was done just now; says whether it was."""
        now = ORIGINALS.monotonic()
        if not self.floor_bytes or now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        self.available_bytes = self._available()
        return self.available_bytes is not None

    @property
    def short(self) -> bool:
        """Whether less is free than has to stay so."""
        return self.available_bytes is not None and self.available_bytes < self.floor_bytes

    @property
    def ample(self) -> bool:
        """Whether one more worker would leave free what has to stay so."""
        enough = self.floor_bytes + self._worker_bytes
        return self.available_bytes is None or self.available_bytes >= enough

    def outgrown(self, slot: Slot) -> bool:
        """Return whether a worker's process has grown so large that it is to be replaced."""
        limit = self.process_limit_bytes
        return limit is not None and slot.state is not None and slot.state.memory_bytes > limit

    def decide(
        self, slots: Sequence[Slot], *, work_waits: bool, keeps_rows: Callable[[Slot], bool]
    ) -> Iterator[Pause | Resume]:
        """Decide to give up the youngest worker that is idle if memory is short.

        Args:
            work_waits: Whether batches wait for a worker.
            keeps_rows: Returns whether a batch that waits depends on what is on a worker's servers.
        """
        if self.short and work_waits:
            idle = [
                slot
                for slot in slots
                if slot.is_available and slot.work is None and not keeps_rows(slot)
            ]
            for slot in sorted(idle, key=_without_process_and_youngest):
                is_last = sum(other.is_available for other in slots) <= 1
                if not is_last and (slot.state is None or self.may_change()):
                    yield Pause(slot)
        elif self.ample:
            paused = next((slot for slot in slots if slot.paused), None)
            if paused is not None and self.may_change():
                yield Resume(paused)

    def may_change(self) -> bool:
        """Whether the last change is long enough ago; if so, another one counts from now."""
        now = ORIGINALS.monotonic()
        if now - self._changed < CHANGE_SECONDS:
            return False
        self._changed = now
        return True


def _without_process_and_youngest(slot: Slot) -> tuple[bool, float]:
    return (False, 0.0) if slot.state is None else (True, -slot.state.started)


def unwatched() -> MemoryWatch:
    """A watch that never has anything to say."""
    return MemoryWatch(available=lambda: None, floor_bytes=0, worker_bytes=0)
