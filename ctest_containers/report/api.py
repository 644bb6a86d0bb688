"""What a report is."""

from __future__ import annotations

from typing import Protocol

from ctest_containers.events import Event


class Report(Protocol):
    """Handles everything that happens in a run, in order."""

    def handle(self, event: Event, at: float) -> None:
        """Handle an event, or ignore it.

        Args:
            at: When it happened, in seconds since the run began.
        """
