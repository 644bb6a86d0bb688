"""What a pool of workers requires of a supply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ctest_containers.model import AnyLease
from ctest_containers.wire import KeepRequest


class Supplier(Protocol):
    """Supplies workers with databases and services."""

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when `update` has something to do.

        Returns:
            None if there is nothing to wait for.
        """

    def update(self) -> None:
        """Note which servers have started."""

    def acquire(self, worker: int, needs: frozenset[str]) -> Sequence[AnyLease] | None:
        """Return what a worker needs; None while one of its servers is starting.

        Aliases that the run has not prepared are left out.
        """

    def explain(self, worker: int, *, wait_seconds: float) -> str:
        """Return why a worker's servers have ended.

        Returns:
            An empty string if they still run after this time, in seconds.
        """

    @property
    def keeps_failures(self) -> bool:
        """Whether the databases of failed tests are kept."""

    def keep(self, worker: int, request: KeepRequest) -> bool | None:
        """Keep the databases of a worker whose test has just failed; called until it is done.

        Returns:
            None while they are being kept; then whether those of another failure would be.
        """

    def release(self, worker: int) -> None:
        """Remove a worker's servers, because the state of their databases is unknown or unfit."""
