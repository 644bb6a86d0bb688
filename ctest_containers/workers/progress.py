"""Watches whether a test makes progress: it uses a processor, or its servers hear from it.

nextest reports a test as slow where a limit was not chosen for it; a test that waits for something
that never comes has to end all the same. So a patient limit counts from the last progress on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import psutil

from ctest_containers.backends import BACKENDS
from ctest_containers.errors import ServerError
from ctest_containers.limits import Limit
from ctest_containers.model import Address, Vendor
from ctest_containers.originals import ORIGINALS

FIRST_LOOK_SECONDS: Final = 1.0
"""When a test is looked at first. Most have ended by then and cost nothing."""

LOOKS: Final = 6
"""How often it is looked at while its limit passes once."""

Servers = Callable[[], Iterable[tuple[Vendor, Address]]]


class Progress:
    """What a test or a fixture does, which may go on as long as it does anything.

    Args:
        process: The worker's, whose descendants count as well.
        servers: Gives the servers that only this worker uses.

    Attributes:
        seconds: How long it had run at the last look.
        stuck: Whether it has done nothing for the time of its limit, or has used up all its time.
        slow: Whether it has run for its limit, or twice as long as when that was last so.
    """

    def __init__(self, limit: Limit, *, process: int, servers: Servers) -> None:
        self._limit = limit
        self._process = process
        self._servers = servers
        self._begun = self._looked = self._last = ORIGINALS.monotonic()
        self._every = limit.seconds / LOOKS
        self._next = self._begun + min(FIRST_LOOK_SECONDS, self._every)
        self._processor: float | None = None
        self._to_say = limit.seconds
        self.seconds = 0.0
        self.stuck = self.slow = False

    def look(self) -> bool:
        """Look at what it does, if it is time to; whether it was."""
        now = ORIGINALS.monotonic()
        if now < self._next:
            return False
        self._next = now + self._every
        # Nobody knows what it did before the first look.
        if self._processor is None or self._has_worked(now - self._looked):
            self._last = now
        self._processor = processor_seconds(self._process)
        self._looked = now
        self.seconds, at_most = now - self._begun, self._limit.at_most
        is_out_of_time = at_most is not None and self.seconds >= at_most
        self.stuck = is_out_of_time or now - self._last >= self._limit.seconds
        self.slow = self.seconds >= self._to_say and not self.stuck
        if self.slow:
            self._to_say = 2 * self.seconds
        return True

    def _has_worked(self, seconds: float) -> bool:
        used = processor_seconds(self._process)
        if used is None or self._processor is None:
            return True
        # It falls when a process ends that nobody waits for.
        if used != self._processor:
            return True
        return any(_has_heard(vendor, address, seconds) for vendor, address in self._servers())


def processor_seconds(process: int) -> float | None:
    """What a process and its descendants have used of processors; None where nobody tells.

    The kernel counts in ticks of 10 ms, so one that only asks for a lock ten times a second uses
    nothing most of the time.
    """
    try:
        parent = psutil.Process(process)
        family = [parent, *parent.children(recursive=True)]
    except (psutil.Error, OSError):
        return None
    return sum(map(_of_one, family))


def _of_one(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:4])
    except (psutil.Error, OSError):
        # It has just ended; what it used is its parent's now.
        return 0.0


def _has_heard(vendor: Vendor, address: Address, seconds: float) -> bool:
    try:
        return BACKENDS[vendor].has_heard(address, seconds)
    except ServerError:
        # A server that does not answer does nothing for a test either.
        return False
