"""Watches whether a test makes progress: whether it uses CPU time, or its servers are active.

A test without a limit of its own is only reported as slow as long as it makes progress, as
cargo-nextest does. A test that waits forever must still end, so the default limit counts from the
last progress.
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

FIRST_CHECK_SECONDS: Final = 1.0
"""When a test is first checked. Most have ended by then, and cost nothing."""

CHECKS_PER_LIMIT: Final = 6
"""How often a test is checked within the time of its limit."""

Servers = Callable[[], Iterable[tuple[Vendor, Address]]]


class Progress:
    """The progress of a running test or fixture.

    Args:
        process: The id of the worker's process, whose descendants count as well.
        servers: Returns the servers that only this worker uses.

    Attributes:
        seconds: How long it had run at the last check.
        stalled: Whether it has made no progress for the time of its limit, or has used up all its
            time.
        slow: Whether it makes progress, and has run for its limit, or for twice as long as when it
            was last slow.
    """

    def __init__(self, limit: Limit, *, process: int, servers: Servers) -> None:
        self._limit = limit
        self._process = process
        self._servers = servers
        self._started = self._last_check = self._last_progress = ORIGINALS.monotonic()
        self._interval = limit.seconds / CHECKS_PER_LIMIT
        self._next_check = self._started + min(FIRST_CHECK_SECONDS, self._interval)
        self._cpu_seconds: float | None = None
        self._next_report_seconds = limit.seconds
        self.seconds = 0.0
        self.stalled = self.slow = False

    def extend(self, seconds: float) -> None:
        """Allow so much more time: it was paused for so long."""
        self._started += seconds
        self._last_check += seconds
        self._last_progress += seconds
        self._next_check += seconds

    def check(self) -> bool:
        """Check for progress if a check is due, and return whether it was."""
        now = ORIGINALS.monotonic()
        if now < self._next_check:
            return False
        self._next_check = now + self._interval
        # What it did before the first check is unknown.
        if self._cpu_seconds is None or self._has_progressed(now - self._last_check):
            self._last_progress = now
        self._cpu_seconds = cpu_seconds(self._process)
        self._last_check = now
        self.seconds, at_most = now - self._started, self._limit.at_most
        is_out_of_time = at_most is not None and self.seconds >= at_most
        self.stalled = is_out_of_time or now - self._last_progress >= self._limit.seconds
        is_working = self._last_progress == now and not self.stalled
        self.slow = is_working and self.seconds >= self._next_report_seconds
        if self.slow:
            self._next_report_seconds = 2 * self.seconds
        return True

    def _has_progressed(self, seconds: float) -> bool:
        used = cpu_seconds(self._process)
        if used is None or self._cpu_seconds is None:
            return True
        # The sum decreases when a descendant ends without being waited for.
        if used != self._cpu_seconds:
            return True
        return any(_is_active(vendor, address, seconds) for vendor, address in self._servers())


def cpu_seconds(process: int) -> float | None:
    """Return the CPU time of a process and its descendants, in seconds; None if it is unknown.

    The kernel counts in ticks of 10 ms, so a process that only polls for a lock ten times a second
    seldom appears to use any.
    """
    try:
        parent = psutil.Process(process)
        family = [parent, *parent.children(recursive=True)]
    except (psutil.Error, OSError):
        return None
    return sum(map(_cpu_seconds_of, family))


def _cpu_seconds_of(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:4])
    except (psutil.Error, OSError):
        # It has just ended; its CPU time now counts as its parent's.
        return 0.0


def _is_active(vendor: Vendor, address: Address, seconds: float) -> bool:
    try:
        return BACKENDS[vendor].is_active(address, seconds)
    except ServerError:
        # A server that does not answer does not work for a test either.
        return False
