"""Requests about servers: to start, read, commit and remove them."""

from __future__ import annotations

from dataclasses import dataclass

from ctest_containers.model import DatabaseGroup, Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class StartServer:
    """Start a server; answered with its address once it answers queries.

    Attributes:
        server: The name of the server in later requests.
        group: The label of its group of databases.
        users: The roles that the project connects as.
        memberships: The roles that are assumed, each with a role that assumes it.
        privileges: What the roles may do in a build; empty for a server with a template.
        timeout_seconds: How long it may take to answer its first query.
        memory_bytes: The limit of its memory.
        fingerprint: The fingerprint that its databases must carry; empty if it has none yet.
        databases: The names of these databases.
        settings: Names and values of the user's settings for it.
        laid_over: An archive of `ExportChanges`, whose files replace the image's; empty for none.
        pending: What the archive lacks; see `ExportChanges`.
        port: The port to publish if it is reached by one; 0 for any.
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
    laid_over: str = ""
    pending: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """The limits of every server of a run.

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
    """Return a request for a server of a group of databases.

    Args:
        fingerprint: That of the template in the image; an empty string for a server on which a
            template is built. Migrations may then create the roles that own no database.
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
    """Create the remaining roles; answered with whether anything depends on privileges.

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
    """Make an image of a server, and remove the server.

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
    """Make an image of the current contents of a server, which keeps running.

    A server that starts from the image recovers as after a crash, so its contents have to be
    compared then. The image may exist already.
    """

    server: str
    image: str
    databases: tuple[str, ...]
    labels: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestContents:
    """Ask for a digest of the contents of databases of a server."""

    server: str
    databases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCatalogs:
    """Ask for the catalogs of databases of a server, by their names."""

    server: str
    databases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMarks:
    """Ask for the fingerprints of databases of a server; one without is left out."""

    server: str
    databases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessions:
    """End every session on a server except the toolkit's own."""

    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainServer:
    """Ask why a server has ended; answered with an empty string if it runs on after a while.

    Attributes:
        wait_seconds: How long to wait for its end.
    """

    server: str
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepServer:
    """Give up ownership of a server, so that it outlives the host; answered with its new address.

    Attributes:
        folder: The folder that its Unix socket moves to, because the run's folder is removed.
    """

    server: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportChanges:
    """Archive what a server has changed since it started, uncommitted rows included.

    It is answered with the size of the archive in bytes (`size`), the id of the image that the
    archive belongs to (`image_id`), what a server that starts from both still lacks (`pending`),
    and what a reader must know (`notes`). The server runs on as if nothing had happened.
    """

    server: str
    databases: tuple[str, ...]
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveServer:
    """Remove a server, which may be gone already."""

    server: str
