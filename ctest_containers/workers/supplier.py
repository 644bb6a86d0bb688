"""What a pool of workers needs of a supply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ctest_containers.model import AnyLease


class Supplier(Protocol):
    """Where workers get their databases and services from."""

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when `update` has something to do.

        Returns:
            None if there is nothing to wait for.
        """

    def update(self) -> None:
        """Take note of servers that have come up."""

    def acquire(self, worker: int, needs: frozenset[str]) -> Sequence[AnyLease] | None:
        """Return what a worker needs, or None while a server of its own is coming up.

        What the run has nothing prepared for is left out.
        """

    def explain(self, worker: int, *, wait_seconds: float) -> str:
        """Return what has become of a worker's servers.

        Returns:
            An empty string if they still run after this time, in seconds.
        """

    def release(self, worker: int) -> None:
        """Remove a worker's servers: the worker died, and what it left in them is unknown."""
