"""What happens to workers, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass


class FromWorker:
    """What a worker sends. The event log reuses `line`, the text in which it arrived.

    It is no field: events are equal whatever they came in, and those made in the parent have none.
    """

    __slots__ = ("line",)

    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReady(FromWorker):
    """A worker has the project loaded; what happens from now on is the tests' doing."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseWanted:
    """A test uses a database that it does not declare."""

    worker: int
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFlushed(FromWorker):
    """A test of a worker's batch has flushed a database; sent once per batch and database.

    Attributes:
        bare: Whether without sending `post_migrate`.
    """

    worker: int
    alias: str
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost:
    """A test failed, and its server has closed its connection."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetLeftToDjango(FromWorker):
    """A worker resets a database after tests as Django does, or in part, for it must.

    Attributes:
        reason: Why, with the table or the receiver by name.
        comparing: Whether both ways were to be compared, and are not.
    """

    worker: int
    alias: str
    reason: str
    comparing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailed(FromWorker):
    """A worker met an error outside of any test and ends.

    Attributes:
        database_lost: Whether its server has gone, rather than itself being at fault.
        ends_run: Whether no other process in its place would fare better.
    """

    worker: int
    text: str
    database_lost: bool = False
    ends_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted:
    """A worker process exists."""

    worker: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """A worker process ended unexpectedly.

    Attributes:
        cause: How it ended: its signal or its exit code.
        test_id: The test it was in, or an empty string.
    """

    worker: int
    cause: str
    test_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRetired:
    """A worker gets no more tests, for it cannot have databases; others go on."""

    worker: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPaused:
    """A worker is given up for a while, or does not start yet, for memory is short."""

    worker: int
    available_bytes: int
    floor_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerResumed:
    """There is memory enough again for a worker that was given up."""

    worker: int
    available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecycled:
    """A worker goes on in a new process, for the old one had grown too large."""

    worker: int
    memory_bytes: int
    limit_bytes: int
