"""Where a pool gets batches from while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ctest_containers.workers.batch_progress import Work


class Feed(Protocol):
    """A source of batches that a pool does not have from the beginning."""

    @property
    def closed(self) -> bool:
        """Whether it will give no more batches."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when there may be some."""

    def take(self) -> Iterable[Work]:
        """Return those that have come."""

    def ended(self, batch: int) -> None:
        """Take note that a batch has been run to its end."""
