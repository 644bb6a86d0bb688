"""What workers ask of whoever has their databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ctest_containers.model import Lease


class Databases(Protocol):
    """Where workers get their databases from."""

    def fileno(self) -> int | None:
        """Readable when `update` has something to do; None when there is nothing to wait for."""

    def update(self) -> None:
        """Take note of servers that have come up."""

    def leases(self, worker: int, aliases: frozenset[str]) -> Sequence[Lease] | None:
        """What a worker needs for these aliases; None while a server of its own is coming up.

        Aliases that the run has no template for are left out.
        """

    def explain(self, worker: int, *, wait_seconds: float) -> str:
        """What has become of a worker's servers; nothing if they still run after this time."""

    def discard(self, worker: int) -> None:
        """Remove a worker's servers: the worker died, and nobody knows what it left in them."""
