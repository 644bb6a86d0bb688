"""The source of a pool's batches while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ctest_containers.workers.batch_progress import Work


class Feed(Protocol):
    """A source of batches that arrive while a pool runs."""

    @property
    def closed(self) -> bool:
        """Whether no more batches will arrive."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when batches may have arrived."""

    def take(self) -> Iterable[Work]:
        """Return the batches that have arrived since the last call."""

    def ended(self, batch: int) -> None:
        """Note that a batch has been run to its end."""
