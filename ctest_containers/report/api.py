"""What a report is."""

from __future__ import annotations

from typing import Protocol

from ctest_containers.events import Event


class Report(Protocol):
    """Somebody who is told everything that happens, in order."""

    def handle(self, event: Event, at: float) -> None:
        """Take note of an event; what is not of interest is ignored.

        Args:
            at: When it happened, in seconds since the run began.
        """
