"""What the parent asks about servers: to start one, to look into it, to remove it."""

from __future__ import annotations

from dataclasses import dataclass

from ctest_containers.model import DatabaseGroup, Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class StartServer:
    """Start a server and answer, once it answers queries, with its address.

    Attributes:
        server: The name by which later requests mean it.
        group: The label of the databases that it is for.
        users: Roles that the project connects as.
        memberships: Roles that are assumed, each with a role that assumes it.
        privileges: What the roles may do in a build; empty for a server with a template.
        timeout_seconds: How long it may take to answer its first query.
        memory_bytes: What it may take of the memory.
        fingerprint: What its databases have to carry; empty where it is to have none yet.
        databases: The names of those.
        settings: Names and values of the settings that the user wants for it.
    """

    server: str
    group: str
    image: str
    own_image: bool
    vendor: Vendor
    users: tuple[str, ...]
    timeout_seconds: float
    memory_bytes: int
    fingerprint: str = ""
    databases: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    memberships: tuple[tuple[str, str], ...] = ()
    privileges: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What every server of a run may take.

    Attributes:
        timeout_seconds: How long it may take to answer its first query.
        memory_bytes: The limit of its memory; 0 for none.
    """

    timeout_seconds: float
    memory_bytes: int


def start_request(
    group: DatabaseGroup,
    *,
    server: str,
    image: str,
    own_image: bool,
    limits: ServerLimits,
    fingerprint: str = "",
    privileges: str = "",
) -> StartServer:
    """A request for a server of a group of databases.

    Args:
        fingerprint: That of the template in the image; an empty string for a server on which a
            template is built. Migrations may create the roles then that own no database.
        privileges: See `StartServer`.
    """
    is_build = not fingerprint
    return StartServer(
        server=server,
        group=group.label,
        image=image,
        own_image=own_image,
        settings=group.settings,
        vendor=group.vendor,
        users=group.creators if is_build and group.privileges else group.roles,
        memberships=group.memberships,
        privileges=privileges,
        timeout_seconds=limits.timeout_seconds,
        memory_bytes=limits.memory_bytes,
        fingerprint=fingerprint,
        databases=() if is_build else tuple(database.name for database in group.databases),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRoles:
    """Create the remaining roles, and return whether anything depends on privileges.

    Attributes:
        users: All roles of the project.
        memberships: See `StartServer`.
        promote: Whether owners become superusers if nothing depends on privileges.
    """

    server: str
    users: tuple[str, ...]
    memberships: tuple[tuple[str, str], ...]
    promote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSnapshot:
    """Turn a server into an image under this name, and remove the server.

    The image gets its name only after a server started from it has the same contents as this one.
    """

    server: str
    image: str
    databases: tuple[str, ...]
    fingerprint: str
    labels: dict[str, str]
    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveLayer:
    """Turn what a server contains now into an image under this name; the server goes on.

    A server that starts from the image recovers as after a crash, so its contents have to be
    compared then. There may be such an image already.
    """

    server: str
    image: str
    databases: tuple[str, ...]
    labels: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestContents:
    """What identifies the contents of these databases of a server?"""

    server: str
    databases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCatalogs:
    """What do these databases of a server consist of? Answered with a catalog for each."""

    server: str
    databases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMarks:
    """Which fingerprints do these databases of a server carry? One without is left out."""

    server: str
    databases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessions:
    """End every session on a server but the toolkit's own."""

    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainServer:
    """What has become of a server? Answered with nothing if it still runs after this time."""

    server: str
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepServer:
    """Own a server no longer, so that it outlives the host; answered with where it is reached now.

    Attributes:
        folder: The folder that its Unix socket moves to, for the run's own is removed.
    """

    server: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveServer:
    """Remove a server; it may be gone already."""

    server: str
