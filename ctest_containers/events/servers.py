"""What happens to database servers and to the memory that they share with workers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryMeasured:
    """How much memory was available to the run, in bytes."""

    available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMeasured:
    """How much memory a worker's server took, in bytes."""

    worker: int
    group: str
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReady:
    """A worker's server answers.

    Attributes:
        group: The label of the databases that it holds.
        version: What the server says it is.
        seconds: From asking for it to its first answered query.
    """

    worker: int
    group: str
    container: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverUnfit:
    """A driver is known to get things wrong with the server that it is used with."""

    alias: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersLeft:
    """The engine did not let the run remove what it had started."""

    containers: tuple[str, ...]
    reason: str
