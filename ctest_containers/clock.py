"""Deadlines by a monotonic clock, and the start times of processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ctest_containers.originals import ORIGINALS


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of a wait.

    Attributes:
        seconds: How long the wait may last.
        started: When it began, by the monotonic clock; by default at the deadline's creation.
    """

    seconds: float
    started: float = field(default_factory=ORIGINALS.monotonic)

    @property
    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.started + self.seconds - ORIGINALS.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return self.remaining == 0.0

    def extended(self, seconds: float) -> Deadline:
        """Return the same deadline, but so much later."""
        return Deadline(self.seconds + seconds, self.started)


def start_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since the machine's start.

    Raises:
        OSError: There is no such process, or the system is not Linux. A zombie does not count as a
            process.
    """
    # Fields 3 and 22 of proc_pid_stat(5); the name before them may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        raise ProcessLookupError(pid)
    return int(fields[19])
