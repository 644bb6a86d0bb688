"""What the parent asks of the server host; each is one line of JSON, as is each answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.model import Vendor

CONNECTED: Final = 0
"""The number of the first answer, which the host gives unasked when it has found the engine."""

CLOSED: Final = -1
"""The number of the last answer, which it gives when it has removed what it started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A host's last answer.

    Attributes:
        left: The names of the containers that it could not remove.
        reason: What the engine said; empty when nothing is left.
        peaks: The most memory that a server of each group was seen to take, in bytes.
    """

    left: tuple[str, ...]
    reason: str
    peaks: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindTemplate:
    """Does the engine have this image? Answered with its labels, or null."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestImage:
    """What identifies this image's content? It is pulled when the engine does not have it."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildBase:
    """Build the toolkit's own image of a vendor from its folder."""

    image: str
    folder: str
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartServer:
    """Start a server and answer, once it answers queries, with its address.

    Attributes:
        server: The name by which later requests mean it.
        group: The label of the databases that it is for.
        users: Roles that the project connects as.
        timeout_seconds: How long it may take to answer its first query.
        memory_bytes: What it may take of the memory.
    """

    server: str
    group: str
    image: str
    own_image: bool
    vendor: Vendor
    users: tuple[str, ...]
    timeout_seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Turn a server into an image under this name, remove the server, and prove the image."""

    server: str
    image: str
    databases: tuple[str, ...]
    fingerprint: str
    labels: dict[str, str]
    timeout_seconds: float


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
class RemoveServer:
    """Remove a server; it may be gone already."""

    server: str


Request = (
    FindTemplate
    | DigestImage
    | BuildBase
    | StartServer
    | EndSessions
    | Snapshot
    | ExplainServer
    | RemoveServer
)

REQUESTS: dict[str, type[Request]] = {
    request.__name__: request
    for request in (
        FindTemplate,
        DigestImage,
        BuildBase,
        StartServer,
        EndSessions,
        Snapshot,
        ExplainServer,
        RemoveServer,
    )
}
