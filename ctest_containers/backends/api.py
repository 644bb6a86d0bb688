"""What the server of a vendor is asked; `ctest_containers.backends.support` has everything else.

Every method that takes an address connects to it and disconnects.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ctest_containers.model import Address, Secret, Transport, Vendor

SOCKET_FOLDER = "/ctest/run"
"""Where a server in a container puts its Unix socket."""

DATA_FOLDER = "/ctest/data"
"""Where a server in a container keeps its data: outside any VOLUME, or a commit would miss it."""

INNER_SOCKET_FOLDER = "/tmp"  # noqa: S108  # In the container, which nobody else is in.
"""Where the socket is when nothing is mounted: in a folder that every image has."""

ENTRYPOINT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""What official entrypoints need: they begin as root, to hand the data over to an ordinary user."""

Settings = Sequence[tuple[str, str]]
"""Names and values of a server's settings."""


class NotReadyError(Exception):
    """The server does not answer yet; asking again later may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a server of a vendor is started in a container."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """Version and identity that a server reports.

    Attributes:
        identity: Unique to this server until it restarts.
    """

    version: str
    identity: str


class Images(Protocol):
    """The images that a server starts from.

    Attributes:
        image_option: What help and documentation say about the option `--<vendor>-image`.
        own_images: The folders in `images/` of the toolkit's own images, each with the version that
            it contains; the first is the usual one.
        image_words: Words in the names of images whose tags begin with the server's version, each
            with what `probe` would have after that version.
    """

    image_option: str
    own_images: Mapping[str, str]
    image_words: Mapping[str, str]


class Launching(Protocol):
    """How a server starts in a container.

    Attributes:
        port: The port it listens on inside its container, which also names its socket file.
        admin: The role of the toolkit's own connections, which may do everything.
        own_settings: The toolkit's settings for official images, which an error message may name.
            Its own images have these and more in their configuration, as far as they matter there.
        reserved_settings: The settings that decide how it starts, how it is reached, and where its
            data is, in lower case with underscores.
    """

    port: int
    admin: str
    own_settings: Mapping[str, str]
    reserved_settings: frozenset[str]

    def socket_file(self) -> str:
        """The name of its Unix socket in the folder for it."""

    def launch(self, *, transport: Transport, own_image: bool, settings: Settings = ()) -> Launch:
        """How to start it from the toolkit's own image, or from an official one.

        Args:
            settings: The user's settings, which override the toolkit's.
        """

    def password_statement(self, password: Secret) -> tuple[Sequence[str], bytes]:
        """A command inside the container, and its input, that give the administrator a password."""

    def probe(self, address: Address) -> ServerInfo:
        """What the server says, once it answers queries as the first process of its container.

        Raises:
            NotReadyError: It does not answer, or is only the temporary one that initialises data.
        """

    def crash_in(self, log: str) -> bool:
        """Whether a server says in its log that a process of it was killed or has crashed."""


class Roles(Protocol):
    """The roles of the project.

    Attributes:
        has_owners: Whether they can be limited to owning their databases.
    """

    has_owners: bool

    def owners_command(self, address: Address) -> Sequence[str]:
        """A command for the container of a third-party image; empty if there is none.

        It lets owners create every extension of the image, as in the toolkit's own images.
        """

    def default_user(self) -> str:
        """The role that a project connects as if its settings name none."""

    def prepare(
        self,
        address: Address,
        users: Sequence[str],
        memberships: Sequence[tuple[str, str]] = (),
        privileges: str = "",
    ) -> None:
        """Restore what a stop discarded, and create these roles if they do not exist.

        They get the address's password. Existing roles keep their privileges, except in a build.

        Args:
            memberships: Roles that are assumed, each with a role that assumes it.
            privileges: What they may do in a build, OWNER, GUEST or SUPERUSER; empty on a server
                that starts from a template, where roles stay as the build left them.
        """

    def is_restricted(self, address: Address, users: Sequence[str]) -> bool:
        """Whether anything on a server depends on the privileges of these roles of the project."""

    def promote_roles(self, address: Address, users: Sequence[str]) -> None:
        """Make superusers of these roles if `prepare` created them as owners or guests."""


class Contents(Protocol):
    """What is in the databases of a server, and what a stop would discard."""

    def mark(self, address: Address, databases: Sequence[str], fingerprint: str) -> None:
        """Leave the fingerprint in each database, where no test can see it."""

    def marks(self, address: Address, databases: Sequence[str]) -> Mapping[str, str]:
        """The fingerprints found in these databases; a missing database or mark is left out."""

    def catalog(self, address: Address, database: str) -> Mapping[str, str]:
        """What a database consists of: each thing by its kind and name, and what it is like."""

    def counts(self, address: Address, database: str) -> Mapping[str, int]:
        """Numbers that a restart must not change, such as each table's row count; may be empty."""

    def clocks_in_defaults(self, address: Address, database: str) -> Sequence[str]:
        """The columns with rows and a clock or a random number as default."""

    def variables(self, address: Address) -> Mapping[str, str]:
        """All global variables whose changes a stop discards; others may be included."""

    def checkpoint(self, address: Address, initial: Mapping[str, str]) -> None:
        """Flush committed data to disk, so that a copy of the files contains it.

        Stores for `prepare` what a stop discards.

        Args:
            initial: See `settle`.
        """

    def settle(self, address: Address, users: Sequence[str], initial: Mapping[str, str]) -> None:
        """Take the passwords of these roles and its own out: the last thing before a stop.

        Collects the statistics that a running server would collect later, and stores for `prepare`
        what a stop discards.

        Args:
            initial: What `variables` gave before the server was prepared.
        """


class Sessions(Protocol):
    """The sessions of clients, as the server knows them."""

    def is_active(self, address: Address, seconds: float) -> bool:
        """Whether the session of another client was active within the last seconds.

        A statement that is still running counts, unless it waits for a lock.
        """

    def end_sessions(self, address: Address, keep: Collection[int]) -> int:
        """End all client sessions but its own and these, and give how many were ended."""


class Connections(Protocol):
    """How Django reaches a server, and what a driver's connection to it tells.

    Attributes:
        overriding_variables: What its clients take from the environment even where they are told
            something else.
    """

    overriding_variables: tuple[str, ...]

    def host_and_port(self, address: Address) -> tuple[str, str]:
        """The settings HOST and PORT that lead Django there."""

    def transport_options(self) -> tuple[str, ...]:
        """Names in OPTIONS that are about transport and credentials of the configured server."""

    def identity_of(self, connection: Any) -> str:
        """The identity of the server that a driver's connection has reached; see `ServerInfo`.

        It is empty where a test has put something else in a connection's place.
        """

    def reached_by(self, connection: Any) -> str:
        """The address that a driver's connection reached; an empty string if unknown."""

    def attempted_address(self, error: str) -> str:
        """The address in a driver's error message; an empty string if there is none."""

    def session_of(self, connection: Any) -> int | None:
        """The server's number for the session of a driver's connection; None if it has none."""

    def is_mid_query(self, connection: Any) -> bool:
        """Whether a driver's connection was left in the midst of a query, and is of no use."""

    def driver_trouble(self, wrapper: type, version: str) -> str:
        """What Django's connection class is known to get wrong with this version of the server."""

    def product(self, version: str) -> str:
        """The name of the server with this version, such as MariaDB."""

    def facts_for_django(self, version: str) -> Mapping[str, object]:
        """Attributes of a connection that Django's rule for the oldest version reads."""


class Backend(Images, Launching, Roles, Contents, Sessions, Connections, Protocol):
    """One vendor's server."""

    vendor: Vendor
