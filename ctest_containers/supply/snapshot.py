"""The template of a group of databases as a snapshot, from which workers get databases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctest_containers.backends import sqlite
from ctest_containers.backends.drivers import unfit_drivers
from ctest_containers.backends.leases import server_leases
from ctest_containers.events import Event
from ctest_containers.model import Address, DatabaseGroup, Lease
from ctest_containers.servers.requests import ServerLimits, StartServer, start_request
from ctest_containers.template import ProjectTemplate, TemplateRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSnapshot:
    """The template of one group of databases.

    Attributes:
        key: The key of the template; see `ProjectTemplate`.
        image: The template's image; empty for SQLite.
        own_image: Whether it was built from the toolkit's own image of the vendor.
        files: The folder of an SQLite template; empty for others.
    """

    group: DatabaseGroup
    fingerprint: str
    key: str = ""
    image: str = ""
    own_image: bool = False
    files: str = ""

    @property
    def label(self) -> str:
        """See `Snapshot`."""
        return self.group.label

    @property
    def identity(self) -> str:
        """See `Snapshot`."""
        return self.image or self.files

    def serves(self, needs: Collection[str]) -> bool:
        """See `Snapshot`."""
        return not set(self.group.aliases).isdisjoint(needs)

    def request(self, server: str, limits: ServerLimits) -> StartServer | None:
        """See `Snapshot`."""
        if not self.group.has_server:
            return None
        return start_request(
            self.group,
            server=server,
            image=self.image,
            own_image=self.own_image,
            limits=limits,
            fingerprint=self.fingerprint,
        )

    def check(self, version: str) -> Iterable[Event]:
        """See `Snapshot`."""
        return unfit_drivers(self.group, version)

    def leases(self, folder: Path, address: Address | None) -> Sequence[Lease]:
        """See `Snapshot`."""
        if address is None:
            return sqlite.leases(self.group, Path(self.files), folder)
        return server_leases(self.group, address)


def snapshot_of(template: ProjectTemplate, repository: TemplateRepository) -> DatabaseSnapshot:
    """Return the snapshot for a template that exists."""
    snapshot = DatabaseSnapshot(
        group=template.group, fingerprint=template.fingerprint, key=template.key
    )
    if template.base is None:
        return replace(snapshot, files=str(repository.files(template)))
    return replace(snapshot, image=template.image, own_image=bool(template.base.context))
