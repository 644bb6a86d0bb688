"""Collects the files that are saved, until a program that changes many of them has finished."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from ctest_containers.watching.files import Changes
from ctest_containers.watching.round import changed_at

RECENT_SECONDS: Final = 5.0
"""A file's time of change counts as the moment of saving if it is not longer ago."""

BULK: Final = 10
"""If more files than that change at once, a program has changed them."""

BULK_SECONDS: Final = 0.3
"""How long nothing must change then."""


LATEST: Final = 20
"""How many files count as saved last: their modules are not loaded ahead."""


class Saves:
    """The files that have been saved since the last call of `take`.

    Attributes:
        paths: Their paths.
    """

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self._noted_at = self._taken_at = 0.0
        self._taken = 0
        self._saved: dict[str, None] = {}

    @property
    def latest(self) -> list[str]:
        """The files that were saved last, which are likely to be saved again."""
        return list(self._saved)[-LATEST:]

    def remember(self, changes: Changes) -> None:
        """Note which files have really changed."""
        for path in changes.changed:
            self._saved.pop(path, None)
            self._saved[path] = None

    def note(self, paths: Iterable[str]) -> None:
        """Add paths of files that have just changed."""
        self.paths.update(paths)
        self._noted_at = time.monotonic()

    def take(self) -> set[str]:
        """Return the paths and forget them; none while a program goes on changing many files."""
        now = time.monotonic()
        recent = self._taken if now < self._taken_at + BULK_SECONDS else 0
        if len(self.paths) + recent > BULK and now < self._noted_at + BULK_SECONDS:
            # It may be Git or a formatter.
            return set()
        if self.paths:
            self._taken, self._taken_at = len(self.paths) + recent, now
        paths, self.paths = self.paths, set()
        return paths


def saved_at(changes: Changes) -> float:
    """Return when the last of these files was saved, in seconds of the wall clock."""
    now = time.time()
    times = map(changed_at, changes.changed)
    return max((moment for moment in times if 0 <= now - moment < RECENT_SECONDS), default=now)
