"""Deadlines of what a worker runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.limits import Limit

GRACE_SECONDS: Final = 3.0
"""What a test that was interrupted for its time may take to clean up before it is killed."""


@dataclass(slots=True)
class Overdue:
    """The deadline of what a worker runs, and the reason to report when it has passed.

    Attributes:
        deadline: When its worker is killed.
        interrupt: When to start sending interrupts to the worker; None if it cannot be
            interrupted.
        asked: When the worker was asked where it is; None as long as it has time.
    """

    deadline: Deadline
    reason: str
    interrupt: Deadline | None = None
    asked: Deadline | None = None


def overdue_after(limit: Limit, seconds: float, *, at_once: bool = False) -> Overdue:
    """When a worker is to interrupt what has this limit, and when it has failed to.

    Args:
        seconds: After how many seconds the limit is exceeded.
        at_once: Whether those have passed.
    """
    left = 0.0 if at_once else seconds
    return Overdue(
        Deadline(left + GRACE_SECONDS),
        f"Timed out: it {limit.exceeded(seconds)}, and could not be interrupted.",
        interrupt=Deadline(left),
    )
