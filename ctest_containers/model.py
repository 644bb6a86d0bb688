"""Value objects that several parts of the toolkit use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple

SOCKET_PATH_LIMIT: Final = 107
"""The maximal length of a Unix socket's path on Linux, in bytes (`sun_path` without its zero)."""


class Vendor(str):
    """A database vendor, by the name that Django's `connection.vendor` has.

    `ctest_containers.backends` has all supported vendors.
    """

    __slots__ = ()


SQLITE: Final = Vendor("sqlite")
"""The vendor whose databases are files or in memory; all others have servers."""


class Transport(str, Enum):
    """How a worker reaches its server."""

    SOCKET = "socket"
    """A Unix socket in a folder shared by host and container; the container has no network."""

    PORT = "port"
    """A port that the engine publishes, on the loopback address unless the engine is remote."""

    NETWORK = "network"
    """The server's own address, in a network of the container in which this process runs."""


AUTO: Final = "auto"
OWNER: Final = "owner"
SUPERUSER: Final = "superuser"
"""The privileges of a project's roles on its servers; see the option `database_role`."""

DJANGO: Final = "django"
COMPARE: Final = "compare"
"""How migrations run in a build, or AUTO; see the option `build`."""

GUEST: Final = "guest"
"""The privileges of a role that only uses another role's databases: it may connect."""

FOR_ANY_PROGRAM: Final = "for any program"
"""Used instead of a transport: a port, which any program can use, or `auto` if the engine has no
network for ports."""


class Shard(NamedTuple):
    """One of several jobs that share the tests of a run.

    Attributes:
        number: The number of this job, counted from 1.
        of: The number of all jobs.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class Stress(NamedTuple):
    """How often to repeat the tests: a number of rounds, or as many as there is time for.

    Attributes:
        rounds: The number of rounds; None for no limit.
        seconds: The time after which no test starts; None for no limit.
    """

    rounds: int | None = None
    seconds: float | None = None


class Secret(str):
    """A string whose `repr` is `***`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a server, and a role to connect as.

    Attributes:
        host: The folder of its Unix socket, or a host name or address.
        port: The port, which is also part of the socket file's name.
        user: A role with all privileges.
        password: Empty if the permissions of the socket's folder already keep other users out.
        socket: The path of its Unix socket; empty if it is reached by host and port.
        identity: Unique to this server until it restarts; empty if not queried yet.
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
    """A test database as the project's settings describe it.

    Attributes:
        name: The name that Django gives to the test database.
        aliases: The aliases that use it; the first one creates it, the others mirror it.
        users: The role that each alias connects as, in the same order; empty for SQLite.
        assumed: The role that each alias assumes after connecting, in the same order; an empty
            string for none.
        image: The image that the user has chosen for its server; empty for the vendor's default.
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
        vendor: The vendor of the server.
        number: Numbers the groups of a vendor from 1; there is a second one if two databases have
            the same name or different images, and so cannot share a server.
        settings: Names and values of the server settings that the user has chosen.
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
        """Whether its databases need a server; SQLite's do not."""
        return self.vendor != SQLITE

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every alias of the group, in the order of its databases."""
        return tuple(alias for database in self.databases for alias in database.aliases)

    @property
    def image(self) -> str:
        """The image that the user has chosen for the server; empty for the vendor's default."""
        return self.databases[0].image

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that the project connects as or assumes, each once."""
        roles = (role for plan in self.databases for role in (*plan.users, *plan.assumed) if role)
        return tuple(dict.fromkeys(roles))

    @property
    def creators(self) -> tuple[str, ...]:
        """The roles of the aliases that create and migrate the databases."""
        roles = (
            role for plan in self.databases for role in (*plan.users[:1], *plan.assumed[:1]) if role
        )
        return tuple(dict.fromkeys(roles))

    @property
    def memberships(self) -> tuple[tuple[str, str], ...]:
        """The roles that are assumed, each with a role that assumes it."""
        pairs = (
            pair for plan in self.databases for pair in zip(plan.assumed, plan.users, strict=True)
        )
        return tuple(dict.fromkeys(pair for pair in pairs if pair[0]))

    @property
    def has_shared_databases(self) -> bool:
        """Whether several roles use one database."""
        return any(len({*plan.acting}) > 1 for plan in self.databases)

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
    """The isolated database that an alias uses instead of the configured one.

    Attributes:
        settings: Entries that replace those of the same name in the alias's settings.
        dropped_options: Names in the alias's OPTIONS that must not reach the isolated server.
        load_from: A file whose contents the database starts with (SQLite), or an empty string.
        vendor: The vendor of the database.
        address: The address of its server; None for a database without a server.
    """

    alias: str
    settings: Mapping[str, Any]
    dropped_options: tuple[str, ...] = ()
    load_from: str = ""
    vendor: Vendor = SQLITE
    address: Address | None = None

    @property
    def name(self) -> str:
        """The name of what is leased: the alias."""
        return self.alias


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLease:
    """A worker's own service that is not a database.

    Attributes:
        name: The name of the service, unique in a run.
        settings: Django settings to set. A dotted name, such as `CACHES.default.LOCATION`, refers
            to an entry of nested dictionaries.
        environment: Environment variables to set.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


AnyLease = Lease | ServiceLease
