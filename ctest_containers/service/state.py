"""What is known of a service: its slots, the servers in each, and who has them."""

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
    """Everything needed to make a slot, so that the project need not be loaded for it.

    Attributes:
        aliases: The databases that are wanted; a server may have others besides.
        transport: How servers are reached: `port`, `socket`, ….
    """

    sources: tuple[DatabaseSnapshot, ...]
    aliases: tuple[str, ...]
    transport: str
    server_memory_bytes: int
    server_timeout_seconds: float = field(compare=False)

    @property
    def has_servers(self) -> bool:
        """Whether it takes an engine."""
        return any(source.group.has_server for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptServer:
    """A server that outlives the process that has started it.

    Attributes:
        group: The label of the databases that it is for.
    """

    group: str
    container: str
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLease:
    """A process has a slot for itself.

    Attributes:
        id: Distinguishes it from every other lease.
        holder: The process with which it ends, as an owner's label; empty where it is given back.
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
    """What can be done with a slot."""

    FREE = "free"
    LEASED = "leased"
    USED = "used"
    """Free, with what the last lease left for `reuse`; it is made anew for other leases."""
    LAPSED = "lapsed"
    """The process that leased it has ended; it is made anew before the next lease."""
    MAKING = "in the making"
    UNMADE = "not made"
    """The process that was making it has ended, or could not do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One of a service's sets of databases.

    Attributes:
        number: From 1 on.
        folder: A folder of its own, for sockets and SQLite's files.
        recipe: What it was made from; None before it was made for the first time.
        maker: The process that makes it anew, as an owner's label; what it had before stays until
            that is done.
        ready: Whether its databases are as migrations left them, or leased.
        made: When it was made, in seconds since 1970.
        used: Whether its last lease left data to be reused.
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
        """What can be done with it."""
        if not self.ready:
            living = self.maker and not labels.owner_is_dead(self.maker)
            return SlotState.MAKING if living else SlotState.UNMADE
        if self.lease is None:
            return SlotState.USED if self.used else SlotState.FREE
        return SlotState.LAPSED if self.lease.has_lapsed else SlotState.LEASED

    def leases(self) -> Mapping[str, Lease]:
        """Where the database of each wanted alias is."""
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
        wanted = {lease.alias: lease for lease in leases}
        return {alias: wanted[alias] for alias in self.recipe.aliases if alias in wanted}

    def container_of(self, alias: str) -> str:
        """The name of the container that an alias's database is in; empty for SQLite."""
        containers = {server.group: server.container for server in self.servers}
        sources = self.recipe.sources if self.recipe is not None else ()
        for source in sources:
            if alias in source.group.aliases:
                return containers.get(source.group.label, "")
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Migrated databases that outlive the command that made them.

    Attributes:
        folder: The folder that the command ran in.
        count: How many slots there are to be.
        recipe: What slots are made from from now on.
    """

    project: str
    name: str
    folder: str
    count: int
    recipe: Recipe
    slots: tuple[Slot, ...] = ()

    def slot(self, number: int) -> Slot | None:
        """The slot of a number; None if there is none."""
        return next((slot for slot in self.slots if slot.number == number), None)

    def with_slots(self, slots: Sequence[Slot]) -> Service:
        """The same service with other slots in the places of their numbers."""
        all_of_them = {slot.number: slot for slot in (*self.slots, *slots)}
        return replace(self, slots=tuple(all_of_them[number] for number in sorted(all_of_them)))

    def without(self, numbers: Sequence[int]) -> Service:
        """The same service without some slots."""
        return replace(self, slots=tuple(slot for slot in self.slots if slot.number not in numbers))

    @property
    def has_servers(self) -> bool:
        """Whether it takes an engine to end it."""
        return self.recipe.has_servers or any(slot.servers for slot in self.slots)


def sqlite_leases(group: DatabaseGroup, folder: Path) -> Sequence[Lease]:
    """The files of a slot that are SQLite databases."""
    return [
        Lease(alias=alias, settings={"NAME": str(sqlite.file_of(folder, database.aliases[0]))})
        for database in group.databases
        for alias in database.aliases
    ]


def service_from(fields: dict[str, Any]) -> Service:
    """A service from the fields that JSON has carried.

    Raises:
        TypeError, KeyError, ValueError: They are not those of one.
    """
    service: Service = codec.build(Service, fields, lenient=True)
    return replace(service, slots=tuple(_with_secrets(slot) for slot in service.slots))


def _with_secrets(slot: Slot) -> Slot:
    """The same slot, whose passwords are never shown."""
    servers = tuple(
        replace(server, address=replace(server.address, password=Secret(server.address.password)))
        for server in slot.servers
    )
    return replace(slot, servers=servers)
