"""Events of database servers and of the memory that they share with workers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryMeasured:
    """The memory that is available to the run was measured, in bytes."""

    available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMeasured:
    """The memory that a worker's server uses was measured, in bytes.

    Attributes:
        group: The label of the databases that it holds.
    """

    worker: int
    group: str
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReady:
    """A worker's server answers queries.

    Attributes:
        group: The label of the databases that it holds.
        version: The version that the server reports.
        seconds: The time from requesting it to its first answer to a query.
    """

    worker: int
    group: str
    container: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverUnfit:
    """A driver has known faults with the version of the server that it is used with.

    Attributes:
        alias: The alias of the database.
        reason: The fault.
    """

    alias: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersLeft:
    """The run could not remove containers that it had started.

    Attributes:
        containers: Their names.
        reason: Why, as a sentence.
    """

    containers: tuple[str, ...]
    reason: str
