"""Decides how often a build saves a layer, so that saving takes little of its time."""

from __future__ import annotations

import time
from typing import Final

PARTS: Final = {False: 20, True: 5}
"""The number of equal parts of a plan; a build saves at most one layer in each.

By whether its databases have a server.
"""

FACTOR: Final = 10
"""A build saves a layer once it has migrated for this many times the time that saving takes."""

SAVE_SECONDS: Final = {False: 0.01, True: 0.3}
"""How long saving a layer takes, until a build has measured it; by the same."""


class Pace:
    """How long ago a build saved a layer, and how far it has come since.

    Args:
        has_server: Whether the databases have a server.
        count: How many migrations were applied before this build.

    Attributes:
        total: How many migrations the plan has.
    """

    def __init__(self, *, has_server: bool, count: int) -> None:
        self._has_server = has_server
        self._seconds = SAVE_SECONDS[has_server]
        self._first = self._last = 0.0
        self._is_near_end = False
        self._count = count
        self.total = 0

    def begin(self) -> None:
        """Start measuring time."""
        self._first = self._last = time.monotonic()

    def is_due(self, count: int, *, is_last: bool) -> bool:
        """Return whether the build should save a layer here.

        Args:
            count: How many migrations have been applied.
            is_last: Whether at most one migration remains. Most later builds can resume from here:
                the next edit is usually of the last migration, or adds one after it.
        """
        since, seconds = self._last, self._seconds
        if is_last and not self._is_near_end:
            since, seconds = self._first, SAVE_SECONDS[self._has_server]
        if time.monotonic() - since < seconds * FACTOR:
            return False
        self._is_near_end = is_last
        return is_last or count - self._count >= self.total / PARTS[self._has_server]

    def begin_saving(self) -> None:
        """Note that the build is about to save a layer."""
        self._last = time.monotonic()

    def end_saving(self, count: int) -> None:
        """Note that the build has saved a layer, and continues."""
        now = time.monotonic()
        self._count = count
        self._seconds, self._last = now - self._last, now
