"""Events of workers."""

from __future__ import annotations

from dataclasses import dataclass


class FromWorker:
    """An event that a worker sends. The event log reuses `line`, the JSON in which it arrived.

    `line` is not a field, so that it does not affect equality; events of the parent have none.
    """

    __slots__ = ("line",)

    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReady(FromWorker):
    """A worker has loaded the project, and can run tests."""

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
        bare: Whether the flush did not send `post_migrate`.
    """

    worker: int
    alias: str
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost:
    """A test has failed, and the server had closed its connection."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetLeftToDjango(FromWorker):
    """A worker resets a database after tests like Django, at least in part, because it must.

    Attributes:
        reason: Why, with the name of the table or the receiver.
        comparing: Whether `--reset compare` cannot compare the two ways because of that.
    """

    worker: int
    alias: str
    reason: str
    comparing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailed(FromWorker):
    """An error outside of all tests ends a worker.

    Attributes:
        text: The error, with its traceback.
        database_lost: Whether the cause is the loss of its server.
        ends_run: Whether it ends the run, because any other worker would fail, too.
    """

    worker: int
    text: str
    database_lost: bool = False
    ends_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted:
    """A worker process has started."""

    worker: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """A worker process ended unexpectedly.

    Attributes:
        cause: How it ended: its signal or its exit code.
        test_id: The test that it was running; empty if none.
    """

    worker: int
    cause: str
    test_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DebuggerOpened:
    """A worker has the terminal, to debug a test. Other events wait until it gives it back.

    Attributes:
        test_id: The test or fixture.
    """

    worker: int
    test_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DebuggerClosed:
    """A worker has given the terminal back.

    Attributes:
        seconds: How long it had it, which no duration of a test includes.
    """

    worker: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRetired:
    """A worker gets no more tests, because it cannot have databases; other workers go on."""

    worker: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPaused:
    """A worker is paused, or does not start yet, because memory is short.

    Attributes:
        available_bytes: How much memory is available.
        floor_bytes: How much memory must stay available.
    """

    worker: int
    available_bytes: int
    floor_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerResumed:
    """A paused worker resumes, because there is enough memory again."""

    worker: int
    available_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecycled:
    """A worker gets a new process, because the old one had grown too large."""

    worker: int
    memory_bytes: int
    limit_bytes: int
