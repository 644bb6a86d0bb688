"""What the parent asks of the server host; each is one line of JSON, as is each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ctest_containers.model import Address, Secret, Vendor


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
        users: Roles that the project connects as.
        timeout_seconds: How long it may take to answer its first query.
        memory_bytes: What it may take of the memory.
    """

    server: str
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
class ExplainServer:
    """What has become of a server? Answered with nothing if it still runs after this time."""

    server: str
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveServer:
    """Remove a server; it may be gone already."""

    server: str


Request = (
    FindTemplate | DigestImage | BuildBase | StartServer | Snapshot | ExplainServer | RemoveServer
)

REQUESTS: dict[str, type[Request]] = {
    request.__name__: request
    for request in (
        FindTemplate,
        DigestImage,
        BuildBase,
        StartServer,
        Snapshot,
        ExplainServer,
        RemoveServer,
    )
}


def address_of(answer: Mapping[str, object]) -> Address:
    """The address in the answer to `StartServer`."""
    return Address(
        host=str(answer["host"]),
        port=int(str(answer["port"])),
        user=str(answer["user"]),
        password=Secret(str(answer["password"])),
    )
