"""Time that only goes forward, deadlines measured with it, and when processes started."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ctest_containers.originals import ORIGINALS


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which nothing is waited for any longer.

    Attributes:
        seconds: How long the wait may last, from the deadline's creation on.
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


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since the machine did.

    Raises:
        OSError: There is no such process, or no Linux to say so. One that has ended and that its
            parent has not waited for yet is none.
    """
    # Fields 3 and 22 of proc_pid_stat(5); the name before them may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        raise ProcessLookupError(pid)
    return int(fields[19])
