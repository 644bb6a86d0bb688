"""Deadlines of what a worker runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.limits import Limit

GRACE_SECONDS: Final = 3.0
"""How long a test that was interrupted may take to clean up before its worker is killed."""


@dataclass(slots=True)
class Overdue:
    """The deadline of a test, fixture or batch.

    Attributes:
        deadline: When to kill the worker.
        reason: What to report then, as a sentence.
        interrupt: When to start interrupting the worker; None if it cannot be interrupted.
        stack_requested: How long to wait for the worker's stack; None if it was not requested.
    """

    deadline: Deadline
    reason: str
    interrupt: Deadline | None = None
    stack_requested: Deadline | None = None

    def extend(self, seconds: float) -> None:
        """Allow so much more time."""
        self.deadline = self.deadline.extended(seconds)
        if self.interrupt is not None:
            self.interrupt = self.interrupt.extended(seconds)


def overdue_after(limit: Limit, seconds: float, *, at_once: bool = False) -> Overdue:
    """Return when to interrupt a worker because of a limit, and when to kill it.

    Args:
        seconds: After how many seconds the limit is exceeded.
        at_once: Whether they have already passed.
    """
    left = 0.0 if at_once else seconds
    return Overdue(
        Deadline(left + GRACE_SECONDS),
        f"Timed out: it {limit.exceeded(seconds)}, and could not be interrupted.",
        interrupt=Deadline(left),
    )
