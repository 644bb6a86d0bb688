"""What has been requested of the server host, until it is no longer needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctest_containers.servers.client import Reply
from ctest_containers.supply.resource import Snapshot


@dataclass(slots=True)
class Export:
    """The changes of a server, which are being archived.

    Attributes:
        number: The number of the request.
        file: The archive.
        reply: The host's reply; None until it arrives.
    """

    snapshot: Snapshot
    number: int
    file: Path
    reply: Reply | None = None


@dataclass(slots=True)
class Pending:
    """A server that has been requested.

    Attributes:
        number: The number of the request.
        requested: When it was requested, in seconds of the monotonic clock.
        reply: The host's reply; None until it arrives.
        is_needed: Whether a worker has asked for it, and not only a forecast.
    """

    name: str
    snapshot: Snapshot
    number: int
    requested: float
    reply: Reply | None = None
    is_needed: bool = False
