"""Value objects that several parts of the toolkit pass to one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple

SOCKET_PATH_LIMIT: Final = 107
"""Bytes that the path of a Unix socket may have on Linux (`sun_path` less its final zero)."""


class Vendor(str):
    """A database vendor, by the name that Django's `connection.vendor` has.

    `ctest_containers.backends` has all that the toolkit supports.
    """

    __slots__ = ()


SQLITE: Final = Vendor("sqlite")
"""The vendor whose databases are files, or in memory; all others have servers."""


class Transport(str, Enum):
    """How a worker reaches its server."""

    SOCKET = "socket"
    """A Unix socket in a folder that host and container share; the container has no network."""

    PORT = "port"
    """A port that the engine publishes: on the loopback address, unless it is elsewhere."""

    NETWORK = "network"
    """The server's own address, in a network of the container that this process runs in."""


AUTO: Final = "auto"
OWNER: Final = "owner"
SUPERUSER: Final = "superuser"
"""What the roles of a project may do on its servers; see the option `database_role`."""

DJANGO: Final = "django"
COMPARE: Final = "compare"
"""How migrations run in a build, or AUTO; see the option `build`."""

GUEST: Final = "guest"
"""What a role may do that only uses another role's databases: connect."""

FOR_ANY_PROGRAM: Final = "for any program"
"""Used instead of a transport: a port, which any program can use, or `auto` if the engine has no
network for ports."""


class Shard(NamedTuple):
    """One of several jobs that share the tests of a run.

    Attributes:
        number: Which one it is, counted from 1.
        of: How many there are.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class Secret(str):
    """A text that shows itself to nobody: its `repr` is `***`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server is reached, and as whom.

    Attributes:
        host: The folder of its Unix socket, or a host name or address.
        port: The port, which also names the socket file.
        user: A role that may do everything.
        password: Empty where the socket's folder already keeps everybody else out.
        socket: The path of its Unix socket; empty where it is reached by host and port.
        identity: Unique to this server until it restarts; empty if nobody has asked it.
    """

    host: str
    port: int
    user: str
    password: Secret = field(default_factory=Secret)
    socket: str = ""
    identity: str = ""

    def __str__(self) -> str:
        return self.socket or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasePlan:
    """One test database as the project's settings describe it, before it exists.

    Attributes:
        name: The name that Django gives to the test database.
        aliases: The aliases that live in it; the first one creates it, the rest mirror that one.
        users: The role that each alias connects as, in the same order; empty for SQLite.
        assumed: The role that each alias assumes after connecting, in the same order; an empty
            string for none.
        image: The image that the user wants for its server; empty for the vendor's usual one.
    """

    name: str
    aliases: tuple[str, ...]
    users: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    image: str = ""

    @property
    def acting(self) -> tuple[str, ...]:
        """The role that each alias acts as."""
        return tuple(role or user for role, user in zip(self.assumed, self.users, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseGroup:
    """The databases of one vendor and image that share a server, and so a template.

    Attributes:
        vendor: Whose server it is.
        number: Counts groups of the same vendor from 1; there is a second one where two databases
            have the same name or different images, and so cannot share a server.
        settings: Names and values of the settings that the user wants for the server.
        privileges: What the project's roles may do: AUTO, OWNER or SUPERUSER; empty if the vendor's
            backend does not distinguish.
    """

    vendor: Vendor
    number: int
    databases: tuple[DatabasePlan, ...]
    settings: tuple[tuple[str, str], ...] = ()
    privileges: str = ""

    @property
    def has_server(self) -> bool:
        """Whether its databases live on a server; SQLite's do not."""
        return self.vendor != SQLITE

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every alias of the group, in the order of its databases."""
        return tuple(alias for database in self.databases for alias in database.aliases)

    @property
    def image(self) -> str:
        """The image that the user wants for the server; empty for the vendor's usual one."""
        return self.databases[0].image

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that the project connects as or assumes, each once."""
        roles = (role for one in self.databases for role in (*one.users, *one.assumed) if role)
        return tuple(dict.fromkeys(roles))

    @property
    def creators(self) -> tuple[str, ...]:
        """The roles of the aliases that create and migrate the databases."""
        roles = (
            role for one in self.databases for role in (*one.users[:1], *one.assumed[:1]) if role
        )
        return tuple(dict.fromkeys(roles))

    @property
    def memberships(self) -> tuple[tuple[str, str], ...]:
        """The roles that are assumed, each with a role that assumes it."""
        pairs = (
            pair for one in self.databases for pair in zip(one.assumed, one.users, strict=True)
        )
        return tuple(dict.fromkeys(pair for pair in pairs if pair[0]))

    @property
    def has_shared_databases(self) -> bool:
        """Whether several roles use one database."""
        return any(len({*one.acting}) > 1 for one in self.databases)

    @property
    def users(self) -> dict[str, str]:
        """The role that each alias connects as."""
        return {
            alias: user
            for database in self.databases
            # SQLite has no users.
            for alias, user in zip(database.aliases, database.users, strict=False)
        }

    @property
    def first_privileges(self) -> str:
        """What the project's roles may do when the first migration runs: OWNER or SUPERUSER."""
        return OWNER if self.privileges == AUTO else self.privileges

    @property
    def label(self) -> str:
        """A short name, unique within a project: `postgresql`, `postgresql-2`."""
        return str(self.vendor) if self.number == 1 else f"{self.vendor}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What an alias needs to know to use an isolated database instead of the configured one.

    Attributes:
        settings: Entries that replace those of the same name in the alias's settings.
        dropped_options: Names in the alias's OPTIONS that must not reach the isolated server.
        load_from: A file whose contents the database starts with (SQLite), or an empty string.
        vendor: Whose database it is.
        address: The server that the database is on; None for a database without a server.
    """

    alias: str
    settings: Mapping[str, Any]
    dropped_options: tuple[str, ...] = ()
    load_from: str = ""
    vendor: Vendor = SQLITE
    address: Address | None = None

    @property
    def name(self) -> str:
        """What it is a lease of: the alias."""
        return self.alias


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLease:
    """What a worker needs to know to use a service of its own that is no database.

    Attributes:
        name: The name of the service, unique in a run.
        settings: Django settings to set. A dotted name, such as `CACHES.default.LOCATION`, leads
            into dictionaries.
        environment: Environment variables to set.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


AnyLease = Lease | ServiceLease
