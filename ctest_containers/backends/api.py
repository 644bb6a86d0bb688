"""The interface to a vendor's server; `ctest_containers.backends.support` has everything else.

Every method that takes an address connects to it and disconnects.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ctest_containers.backends.keeping import Keeping
from ctest_containers.model import Address, Secret, Transport, Vendor

SOCKET_FOLDER = "/ctest/run"
"""Where a server in a container puts its Unix socket."""

DATA_FOLDER = "/ctest/data"
"""Where a server in a container keeps its data: outside any VOLUME, or a commit would miss it."""

INNER_SOCKET_FOLDER = "/tmp"  # noqa: S108  # In a container that has no other users.
"""The folder of the socket when nothing is mounted; every image has it."""

ENTRYPOINT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""What official entrypoints need: they start as root, and give the data to an ordinary user."""

Settings = Sequence[tuple[str, str]]
"""Names and values of a server's settings."""


class NotReadyError(Exception):
    """The server does not answer yet; trying again later may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The command, environment and capabilities of a server's container."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProgram:
    """The vendor's own client in a server's container, connected to a database."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """The version and identity that a server reports.

    Attributes:
        identity: Unique to this server until it restarts.
    """

    version: str
    identity: str


class Images(Protocol):
    """The images that a server starts from.

    Attributes:
        image_option: The description of the option `--<vendor>-image` in help and documentation.
        own_images: The folders in `images/` of the toolkit's own images, each with the server's
            version; the first is the default.
        image_words: Words in the names of images whose tags begin with the server's version, each
            with the suffix that `probe` reports after that version.
    """

    image_option: str
    own_images: Mapping[str, str]
    image_words: Mapping[str, str]


class Launching(Protocol):
    """How a server starts in a container.

    Attributes:
        port: The port it listens on inside its container, which also names its socket file.
        admin: The role of the toolkit's own connections, which has all privileges.
        own_settings: The toolkit's settings for official images, which an error message may name.
            The configuration of its own images has those that matter there, and more.
        reserved_settings: The settings that control how it starts, how it is reached, and where its
            data is, in lower case with underscores.
    """

    port: int
    admin: str
    own_settings: Mapping[str, str]
    reserved_settings: frozenset[str]

    def socket_file(self) -> str:
        """Return the file name of its Unix socket."""

    def launch(self, *, transport: Transport, own_image: bool, settings: Settings = ()) -> Launch:
        """Return how to start it from the toolkit's own image or an official one.

        Args:
            settings: The user's settings, which override the toolkit's.
        """

    def password_statement(self, password: Secret) -> tuple[Sequence[str], bytes]:
        """Return a command for the container, and its input, that set the admin's password."""

    def probe(self, address: Address) -> ServerInfo:
        """Query the server's version and identity.

        Raises:
            NotReadyError: It does not answer, or is not the first process of its container, but the
                temporary server that initialises data.
        """

    def crash_in(self, log: str) -> bool:
        """Return whether a server's log says that one of its processes was killed or crashed."""


class Roles(Protocol):
    """Manages the roles of the project.

    Attributes:
        has_owners: Whether they can be limited to owning their databases.
    """

    has_owners: bool

    def owners_command(self, address: Address) -> Sequence[str]:
        """Return a command for the container of a third-party image; empty if none is needed.

        It lets owners create every extension of the image, as in the toolkit's own images.
        """

    def default_user(self) -> str:
        """Return the role that a project connects as if its settings name none."""

    def prepare(
        self,
        address: Address,
        users: Sequence[str],
        memberships: Sequence[tuple[str, str]] = (),
        privileges: str = "",
    ) -> None:
        """Restore what a stop discarded, and create these roles if they do not exist.

        Sets the address's password for them. Existing roles keep their privileges outside a build.

        Args:
            memberships: Pairs of a role and another role that assumes it with SET ROLE.
            privileges: Their privileges in a build: OWNER, GUEST or SUPERUSER. Empty on a server
                that starts from a template, where roles stay as the build left them.
        """

    def is_restricted(self, address: Address, users: Sequence[str]) -> bool:
        """Return whether anything on a server depends on the privileges of these roles."""

    def promote_roles(self, address: Address, users: Sequence[str]) -> None:
        """Make these roles superusers if `prepare` created them as owners or guests."""


class Contents(Protocol):
    """Reads the contents of a server's databases, and preserves what a stop would discard."""

    def mark(self, address: Address, databases: Sequence[str], fingerprint: str) -> None:
        """Store the fingerprint in each database, where no test can see it."""

    def marks(self, address: Address, databases: Sequence[str]) -> Mapping[str, str]:
        """Return these databases' fingerprints, without databases that are missing or have none."""

    def catalog(self, address: Address, database: str) -> Mapping[str, str]:
        """Return a database's objects: the definition of each, by its kind and name."""

    def counts(self, address: Address, database: str) -> Mapping[str, int]:
        """Return numbers that a restart must not change, such as row counts; may be empty."""

    def clocks_in_defaults(self, address: Address, database: str) -> Sequence[str]:
        """Return columns whose default is a clock or random number, of tables that have rows."""

    def variables(self, address: Address) -> Mapping[str, str]:
        """Return all global variables whose changes a stop discards, and possibly others."""

    def checkpoint(self, address: Address, initial: Mapping[str, str]) -> None:
        """Flush committed data to disk, so that a copy of the files contains it.

        Stores for `prepare` what a stop discards.

        Args:
            initial: See `settle`.
        """

    def settle(self, address: Address, users: Sequence[str], initial: Mapping[str, str]) -> None:
        """Remove these roles' and the admin's passwords, as the last step before a stop.

        Collects the statistics that a running server would collect later, and stores for `prepare`
        what a stop discards.

        Args:
            initial: What `variables` returned before the server was prepared.
        """


class Sessions(Protocol):
    """Lists and ends the sessions of clients."""

    def is_active(self, address: Address, seconds: float) -> bool:
        """Return whether another client's session was active within the last seconds.

        A running statement counts, unless it waits for a lock.
        """

    def end_sessions(self, address: Address, keep: Collection[int]) -> int:
        """End all client sessions but its own and these, and return how many were ended."""


class Connections(Protocol):
    """Connects Django to a server, and inspects drivers' connections to it.

    Attributes:
        overriding_variables: The environment variables that override what its clients are passed.
    """

    overriding_variables: tuple[str, ...]

    def host_and_port(self, address: Address) -> tuple[str, str]:
        """Return the settings HOST and PORT for this address."""

    def client(self, address: Address, user: str, database: str) -> ClientProgram:
        """Return the client that connects to a database of the server in its own container.

        Args:
            user: A role for which `prepare` has set the address's password.
        """

    def transport_options(self) -> tuple[str, ...]:
        """Return the names in OPTIONS that concern transport and credentials."""

    def identity_of(self, connection: Any) -> str:
        """Return the identity of the server that a driver's connection reached; see `ServerInfo`.

        It is empty if a test has replaced the connection.
        """

    def reached_by(self, connection: Any) -> str:
        """Return the address that a driver's connection reached; an empty string if unknown."""

    def attempted_address(self, error: str) -> str:
        """Return the address in a driver's error message; an empty string if there is none."""

    def session_of(self, connection: Any) -> int | None:
        """Return the server's number for a driver connection's session; None if it has none."""

    def is_mid_query(self, connection: Any) -> bool:
        """Return whether a driver's connection was left during a query, and is unusable."""

    def driver_trouble(self, wrapper: type, version: str) -> str:
        """Return a Django connection class's known problem with this server version, or empty."""

    def product(self, version: str) -> str:
        """Return the product name of a server with this version, such as MariaDB."""

    def facts_for_django(self, version: str) -> Mapping[str, object]:
        """Return the connection attributes that Django's check of the minimum version reads."""


class Backend(Images, Launching, Roles, Contents, Keeping, Sessions, Connections, Protocol):
    """One vendor's server."""

    vendor: Vendor
