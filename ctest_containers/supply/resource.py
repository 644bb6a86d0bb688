"""The interface of a resource: something that each worker gets for itself.

The databases of a project are a resource; a cache server or a broker can be another. The pool, the
messages between processes and the workers only know leases, never where they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Protocol

from ctest_containers.events import Event
from ctest_containers.model import Address, AnyLease
from ctest_containers.servers.requests import ServerLimits, StartServer


class Snapshot(Protocol):
    """A prepared resource, or a part of one, from which the servers of workers start.

    It never changes. A worker's server is discarded with all that tests have done to it, and the
    next one starts from the snapshot again.
    """

    @property
    def label(self) -> str:
        """A short name, unique in a run; part of the names of containers."""

    @property
    def identity(self) -> str:
        """A name that differs between snapshots whose contents may differ."""

    def serves(self, needs: Collection[str]) -> bool:
        """Return whether a batch with these needs, such as aliases of databases, uses it."""

    def request(self, server: str, limits: ServerLimits) -> StartServer | None:
        """Return the request for a server, which says what the server must contain.

        Returns:
            None if it needs no server.
        """

    def check(self, version: str) -> Iterable[Event]:
        """Return the events about what is known not to work with a server of this version."""

    def leases(self, folder: Path, address: Address | None) -> Iterable[AnyLease]:
        """Return what a worker needs to use its server.

        It is called once for each server of a worker, and again after a worker's servers were
        released. Worker 0 is the parent, which also gets leases while a template is built.

        Args:
            folder: A folder of the worker's own.
            address: The address of its server; None if there is no server.
        """


Offer = Callable[[Snapshot, bool], None]
"""Accepts a snapshot, and whether it already existed."""


class Resource(Protocol):
    """Something that is prepared once, and that each worker then gets for itself."""

    def expected(self, needs: Collection[str]) -> Iterable[Snapshot]:
        """Return the snapshots that exist and would be used today, without preparing any.

        Raises:
            EngineError: The engine does not answer.
        """

    def prepare(self, needs: Collection[str], offer: Offer) -> None:
        """Make sure that the snapshots for these needs exist.

        It is called more than once in a run, also without any needs.

        Args:
            offer: Called with each new snapshot as soon as it exists, once in a run.

        Raises:
            CtestError: One cannot be made.
        """
