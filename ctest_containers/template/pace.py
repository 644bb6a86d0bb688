"""Decides how often a build is left, so that saving layers takes little of its time."""

from __future__ import annotations

import time
from typing import Final

PARTS: Final = {False: 20, True: 5}
"""A build is left no more often than each time that such a part of its plan is done.

By whether its databases have a server.
"""

FACTOR: Final = 10
"""A build is left when it has gone on for so many times what leaving it takes."""

LEAVE_SECONDS: Final = {False: 0.01, True: 0.3}
"""What it takes, before that has been measured in a build; by the same."""


class Pace:
    """How long ago a build was left, and how far it has come since.

    Args:
        has_server: Whether the databases have a server.
        count: How many migrations they have had already.

    Attributes:
        total: How many migrations the plan has.
    """

    def __init__(self, *, has_server: bool, count: int) -> None:
        self._has_server = has_server
        self._seconds = LEAVE_SECONDS[has_server]
        self._first = self._last = 0.0
        self._is_near_end = False
        self._count = count
        self.total = 0

    def begin(self) -> None:
        """Let the time of the build begin."""
        self._first = self._last = time.monotonic()

    def is_due(self, count: int, *, is_last: bool) -> bool:
        """Return whether it pays to leave the build here.

        Args:
            count: How many migrations have been applied.
            is_last: Whether at most one migration is to come. Most builds that follow can go on
                from here: what is edited next is often the last one, or comes after it.
        """
        since, seconds = self._last, self._seconds
        if is_last and not self._is_near_end:
            since, seconds = self._first, LEAVE_SECONDS[self._has_server]
        if time.monotonic() - since < seconds * FACTOR:
            return False
        self._is_near_end = is_last
        return is_last or count - self._count >= self.total / PARTS[self._has_server]

    def leaving(self) -> None:
        """Take note that the build is about to be left."""
        self._last = time.monotonic()

    def left(self, count: int) -> None:
        """Take note that the build was left, and goes on."""
        now = time.monotonic()
        self._count = count
        self._seconds, self._last = now - self._last, now
