"""JSON lines between the parent and a worker: commands, and events and requests in return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_args

from ctest_containers.codec import Vocabulary
from ctest_containers.events import FromWorker, WorkerEvent
from ctest_containers.model import Lease, ServiceLease


@dataclass(frozen=True, slots=True, kw_only=True)
class UseResources:
    """Command to a worker: use these databases and services from now on.

    Attributes:
        answers: The alias of the `DatabaseRequest` that this answers, if it answers one; without a
            lease for it, the run does not have its database.
    """

    databases: tuple[Lease, ...]
    services: tuple[ServiceLease, ...] = ()
    answers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBatch:
    """Command to a worker: run this batch, except for the tests that have already ended.

    Attributes:
        full: Tests that have had their try with an adaptive limit.
        careful: How many of its first tests wait until everybody can know that they begin.
        flush: The aliases to flush first, as tests before it do in a serial run.
        flush_bare: Those of them to flush without sending `post_migrate`.
    """

    batch: int
    skip: tuple[int, ...] = ()
    full: tuple[int, ...] = ()
    careful: int = 0
    flush: tuple[str, ...] = ()
    flush_bare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit:
    """Command to a worker: end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVerdict:
    """Answer to a `VerdictRequest`: whether the worker's servers are lost."""

    lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRequest:
    """Request of a worker: a test uses a database that it does not declare, and waits for it."""

    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRequest:
    """Request of a worker whose server closed a connection: does it still run?"""


Command = UseResources | RunBatch | Quit | ServerVerdict
"""What the parent sends; `UseResources` and `ServerVerdict` may be answers."""

WorkerRequest = DatabaseRequest | VerdictRequest
"""What a worker sends before it waits for the answer."""

Message = WorkerEvent | WorkerRequest | Command

MESSAGES: Final = Vocabulary(
    (*get_args(WorkerEvent), *get_args(WorkerRequest), *get_args(Command)), ascii_only=False
)

KEPT_CHARACTERS: Final = 4096
"""Longer lines are not kept beside what was read from them."""


def encode(message: Message) -> bytes:
    """The message as one line.

    Any text survives: JSON escapes control characters, and lone surrogates pass as they are.
    """
    return MESSAGES.encode(message).encode("utf-8", "surrogatepass") + b"\n"


def decode(line: bytes) -> Message:
    """The message that a line carries.

    Raises:
        ValueError: The line is not one that `encode` makes.
    """
    text = line.decode("utf-8", "surrogatepass")
    message: Message = MESSAGES.decode(text)
    if isinstance(message, FromWorker) and len(text) <= KEPT_CHARACTERS and text.isascii():
        object.__setattr__(message, "line", text)
    return message


class LineBuffer:
    """Puts lines together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a piece and give the lines that it completes, each without its end."""
        head, separator, rest = data.partition(b"\n")
        self._pieces.append(head)
        while separator:
            yield b"".join(self._pieces)
            head, separator, rest = rest.partition(b"\n")
            self._pieces = [head]
