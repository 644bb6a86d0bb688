"""JSON lines between the parent and a worker: commands, events and requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from ctest_containers.codec import Vocabulary
from ctest_containers.events import FromWorker, Problem, WorkerEvent
from ctest_containers.model import Lease, ServiceLease


@dataclass(frozen=True, slots=True, kw_only=True)
class UseResources:
    """Command to a worker: use these databases and services from now on.

    Attributes:
        answers: The alias of the `DatabaseRequest` that this answers; empty if it is no answer. If
            there is no lease for the alias, the run does not have its database.
    """

    databases: tuple[Lease, ...]
    services: tuple[ServiceLease, ...] = ()
    answers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBatch:
    """Command to a worker: run this batch, except for the tests that have already ended.

    Attributes:
        skip: The indices of the tests that have already ended.
        full: The indices of tests that have had their try with an adaptive limit.
        careful: How many of its first tests wait until the parent knows that they start.
        flush: The aliases to flush first, as earlier tests do in a serial run.
        flush_bare: The aliases among them to flush without sending `post_migrate`.
    """

    batch: int
    skip: tuple[int, ...] = ()
    full: tuple[int, ...] = ()
    careful: int = 0
    flush: tuple[str, ...] = ()
    flush_bare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit:
    """Command to a worker: quit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVerdict:
    """Answer to a `VerdictRequest`: whether the worker's servers are lost."""

    lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRequest:
    """Request of a worker: lend the database of an alias that a test uses without declaring it."""

    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRequest:
    """Request of a worker whose server closed a connection: find out whether the server runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRequest:
    """Request of a worker whose test has just failed: keep its databases as they are.

    Attributes:
        test_id: The test's name, as in reports.
        index: The test's index in the run; None for a fixture.
        files: The files that the worker has written, by the aliases of SQLite databases.
        trouble: Why it could not write them; an empty string if it could.
    """

    test_id: str
    index: int | None
    problem: Problem
    files: Mapping[str, str]
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAnswer:
    """Answer to a `KeepRequest`, after which the test goes on.

    Attributes:
        more: Whether the databases of another failure would be kept.
    """

    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalRequest:
    """Request of a worker that debugs a test: lend the terminal, as soon as it is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalAnswer:
    """Answer to a `TerminalRequest`.

    Attributes:
        granted: Whether the worker may use the terminal now; not if the run is stopping.
        test_id: The test or fixture that it runs.
    """

    granted: bool
    test_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalReturned:
    """A worker no longer needs the terminal; it waits for no answer.

    Attributes:
        last: Whether no other worker is to have it after this one.
    """

    last: bool = False


Command = UseResources | RunBatch | Quit | ServerVerdict | KeepAnswer | TerminalAnswer
"""What the parent sends; all but `RunBatch` and `Quit` may be answers."""

WorkerRequest = DatabaseRequest | VerdictRequest | KeepRequest | TerminalRequest | TerminalReturned
"""What a worker sends besides events; it waits for the answer, if there is one."""

Message = WorkerEvent | WorkerRequest | Command

MESSAGES: Final = Vocabulary(
    (*get_args(WorkerEvent), *get_args(WorkerRequest), *get_args(Command)), ascii_only=False
)

KEPT_CHARACTERS: Final = 4096
"""Longer lines are not kept with the messages decoded from them."""


def encode(message: Message) -> bytes:
    """Return a message as one line.

    All strings are preserved: JSON escapes control characters, and lone surrogates are encoded.
    """
    return MESSAGES.encode(message).encode("utf-8", "surrogatepass") + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of a line.

    Raises:
        ValueError: The line is not a message.
    """
    text = line.decode("utf-8", "surrogatepass")
    message: Message = MESSAGES.decode(text)
    if isinstance(message, FromWorker) and len(text) <= KEPT_CHARACTERS and text.isascii():
        object.__setattr__(message, "line", text)
    return message


class LineBuffer:
    """Assembles lines from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a piece and yield the lines that it completes, without line feeds."""
        head, separator, rest = data.partition(b"\n")
        self._pieces.append(head)
        while separator:
            yield b"".join(self._pieces)
            head, separator, rest = rest.partition(b"\n")
            self._pieces = [head]
