"""Decides which workers to pause while memory is short, and which to resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.originals import ORIGINALS
from ctest_containers.workers.worker_state import WorkerState

MEASURE_SECONDS: Final = 0.5
"""How often to measure the memory."""

CHANGE_SECONDS: Final = 2.0
"""The time between two pauses or resumptions, so that each shows in the memory first."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause a worker until there is more memory."""

    worker: WorkerState


@dataclass(frozen=True, slots=True)
class Resume:
    """Resume a worker."""

    worker: WorkerState


class MemoryWatch:
    """Decides whether there are too many workers for the memory, or room for one more.

    Args:
        available: Returns the memory that is free for tests, in bytes; None if it is unknown.
        floor_bytes: The memory that must stay free; 0 not to watch it.
        worker_bytes: The memory that one more worker takes.
        process_limit_bytes: The size at which a worker's process is replaced; None for no limit.
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
        self._measured = self._changed = float("-inf")
        self.available_bytes: int | None = None

    def measure(self) -> bool:
        """Measure the available memory, unless that was done just now.

        Returns:
            Whether `available_bytes` was measured.
        """
        now = ORIGINALS.monotonic()
        if not self.floor_bytes or now - self._measured < MEASURE_SECONDS:
            return False
        self._measured = now
        self.available_bytes = self._available()
        return self.available_bytes is not None

    @property
    def short(self) -> bool:
        """Whether less memory is free than must stay free."""
        return self.available_bytes is not None and self.available_bytes < self.floor_bytes

    @property
    def ample(self) -> bool:
        """Whether one more worker would leave enough memory free."""
        enough = self.floor_bytes + self._worker_bytes
        return self.available_bytes is None or self.available_bytes >= enough

    def outgrown(self, worker: WorkerState) -> bool:
        """Return whether a worker's process has grown so large that it must be replaced."""
        limit = self.process_limit_bytes
        return limit is not None and worker.state is not None and worker.state.memory_bytes > limit

    def decide(
        self,
        workers: Sequence[WorkerState],
        *,
        work_waits: bool,
        keeps_rows: Callable[[WorkerState], bool],
    ) -> Iterator[Pause | Resume]:
        """Decide to pause the youngest idle worker if memory is short, or to resume one.

        Args:
            work_waits: Whether batches wait for a worker.
            keeps_rows: Returns whether a waiting batch needs rows on a worker's servers.
        """
        if self.short and work_waits:
            idle = [
                worker
                for worker in workers
                if worker.is_available and worker.work is None and not keeps_rows(worker)
            ]
            for worker in sorted(idle, key=_without_process_and_youngest):
                is_last = sum(other.is_available for other in workers) <= 1
                if not is_last and (worker.state is None or self.may_change()):
                    yield Pause(worker)
        elif self.ample:
            paused = next((worker for worker in workers if worker.paused), None)
            if paused is not None and self.may_change():
                yield Resume(paused)

    def may_change(self) -> bool:
        """Return whether the last change is long enough ago, and if so, note another one now."""
        now = ORIGINALS.monotonic()
        if now - self._changed < CHANGE_SECONDS:
            return False
        self._changed = now
        return True


def _without_process_and_youngest(worker: WorkerState) -> tuple[bool, float]:
    return (False, 0.0) if worker.state is None else (True, -worker.state.started)


def unwatched() -> MemoryWatch:
    """Return a watch that never pauses or replaces anything."""
    return MemoryWatch(available=lambda: None, floor_bytes=0, worker_bytes=0)
