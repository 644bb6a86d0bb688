"""The state of a service: its slots, their servers and their leases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from ctest_containers import codec
from ctest_containers.backends import sqlite
from ctest_containers.backends.leases import server_leases
from ctest_containers.engine import labels
from ctest_containers.model import Address, DatabaseGroup, Lease, Secret
from ctest_containers.supply.snapshot import DatabaseSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything needed to create a slot without loading the project.

    Attributes:
        aliases: The requested databases; a server may also have others.
        transport: How servers are reached: `port`, `socket`, ….
    """

    sources: tuple[DatabaseSnapshot, ...]
    aliases: tuple[str, ...]
    transport: str
    server_memory_bytes: int
    server_timeout_seconds: float = field(compare=False)

    @property
    def has_servers(self) -> bool:
        """Whether creating a slot requires an engine."""
        return any(source.group.has_server for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptServer:
    """A server that outlives the process that started it.

    Attributes:
        group: The label of its group of databases.
    """

    group: str
    container: str
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLease:
    """Exclusive use of a slot.

    Attributes:
        id: Distinguishes it from every other lease.
        holder: The process with which it ends, as an owner's label; empty if released by hand.
        since: When it began, in seconds since 1970.
    """

    id: str
    holder: str
    since: float

    @property
    def has_lapsed(self) -> bool:
        """Whether its process has ended."""
        return labels.owner_is_dead(self.holder)


class SlotState(Enum):
    """The state of a slot."""

    FREE = "free"
    LEASED = "leased"
    USED = "used"
    """Free, with what the last lease left for `reuse`; it is recreated for other leases."""
    LAPSED = "lapsed"
    """The process that leased it has ended; it is recreated before the next lease."""
    MAKING = "in the making"
    UNMADE = "not made"
    """The process that was creating it has ended or failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One of a service's sets of databases.

    Attributes:
        number: Counts from 1.
        folder: Its own folder, for sockets and SQLite's files.
        recipe: The recipe that it was created from; None before its first creation.
        maker: The process that is recreating it, as an owner's label; its previous contents stay
            until that is done.
        ready: Whether its databases are as migrations left them, or leased.
        made: When it was created, in seconds since 1970.
        used: Whether its last lease left data for `reuse`.
    """

    number: int
    folder: str = ""
    recipe: Recipe | None = None
    servers: tuple[KeptServer, ...] = ()
    maker: str = ""
    ready: bool = False
    made: float = 0.0
    lease: SlotLease | None = None
    used: bool = False

    @property
    def state(self) -> SlotState:
        """Its state."""
        if not self.ready:
            living = self.maker and not labels.owner_is_dead(self.maker)
            return SlotState.MAKING if living else SlotState.UNMADE
        if self.lease is None:
            return SlotState.USED if self.used else SlotState.FREE
        return SlotState.LAPSED if self.lease.has_lapsed else SlotState.LEASED

    def leases(self) -> Mapping[str, Lease]:
        """Return a lease of the database of each requested alias."""
        if self.recipe is None:
            return {}
        addresses = {server.group: server.address for server in self.servers}
        leases: list[Lease] = []
        for source in self.recipe.sources:
            group = source.group
            if not group.has_server:
                leases += sqlite_leases(group, Path(self.folder))
            elif group.label in addresses:
                leases += server_leases(group, addresses[group.label])
        by_alias = {lease.alias: lease for lease in leases}
        return {alias: by_alias[alias] for alias in self.recipe.aliases if alias in by_alias}

    def container_of(self, alias: str) -> str:
        """Return the name of the container of an alias's database; empty for SQLite."""
        containers = {server.group: server.container for server in self.servers}
        sources = self.recipe.sources if self.recipe is not None else ()
        for source in sources:
            if alias in source.group.aliases:
                return containers.get(source.group.label, "")
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Migrated databases that outlive the command that created them.

    Attributes:
        folder: The folder that the command ran in.
        count: The requested number of slots.
        recipe: The recipe of slots that are created from now on.
    """

    project: str
    name: str
    folder: str
    count: int
    recipe: Recipe
    slots: tuple[Slot, ...] = ()

    def slot(self, number: int) -> Slot | None:
        """Return the slot with a number; None if there is none."""
        return next((slot for slot in self.slots if slot.number == number), None)

    def with_slots(self, slots: Sequence[Slot]) -> Service:
        """Return the service with these slots in place of those with the same numbers."""
        all_of_them = {slot.number: slot for slot in (*self.slots, *slots)}
        return replace(self, slots=tuple(all_of_them[number] for number in sorted(all_of_them)))

    def without(self, numbers: Sequence[int]) -> Service:
        """Return the service without the slots with these numbers."""
        return replace(self, slots=tuple(slot for slot in self.slots if slot.number not in numbers))

    @property
    def has_servers(self) -> bool:
        """Whether ending it requires an engine."""
        return self.recipe.has_servers or any(slot.servers for slot in self.slots)


def sqlite_leases(group: DatabaseGroup, folder: Path) -> Sequence[Lease]:
    """Return leases of a slot's SQLite files."""
    return [
        Lease(alias=alias, settings={"NAME": str(sqlite.file_of(folder, database.aliases[0]))})
        for database in group.databases
        for alias in database.aliases
    ]


def service_from(fields: dict[str, Any]) -> Service:
    """Return the service with these fields from JSON.

    Raises:
        TypeError, KeyError, ValueError: The fields are not those of a service.
    """
    service: Service = codec.build(Service, fields, lenient=True)
    return replace(service, slots=tuple(_with_secrets(slot) for slot in service.slots))


def _with_secrets(slot: Slot) -> Slot:
    """Return the slot with passwords that are never shown."""
    servers = tuple(
        replace(server, address=replace(server.address, password=Secret(server.address.password)))
        for server in slot.servers
    )
    return replace(slot, servers=servers)
