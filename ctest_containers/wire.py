"""JSON lines between the parent and a worker, and between the parent and the server host.

A message is one line: the name of its class and its fields. Only the classes listed here travel,
so nothing that arrives is ever unpickled or evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from ctest_containers.codec import build, encoder, fields_of
from ctest_containers.events import FromWorker, WorkerEvent
from ctest_containers.model import Lease, Vendor, address_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UseDatabases:
    """Command to a worker: from now on these aliases live in these databases.

    Attributes:
        wanted: The alias that the worker has asked for, if this is the answer; without leases for
            it, the run does not have its database.
    """

    leases: tuple[Lease, ...]
    wanted: str = ""


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
    """Answer to a worker that lost a connection: whether its servers are to be given up."""

    lost: bool


Command = UseDatabases | RunBatch | Quit | ServerVerdict
Message = WorkerEvent | Command

_CLASSES: Final[dict[str, Any]] = {
    kind.__name__: kind for kind in (*get_args(WorkerEvent), *get_args(Command))
}

KEPT_CHARACTERS: Final = 4096
"""Longer lines are not kept beside what was read from them."""

_encode: Final = encoder(ascii_only=False)
_decode: Final = json.JSONDecoder().decode


def encode(message: Message) -> bytes:
    """The message as one line.

    Any text survives: JSON escapes control characters, and lone surrogates pass as they are.
    """
    text = _encode({"type": type(message).__name__, **fields_of(message)})
    return text.encode("utf-8", "surrogatepass") + b"\n"


def decode(line: bytes) -> Message:
    """The message that a line carries.

    Raises:
        ValueError: The line is not one that `encode` makes.
    """
    text = line.decode("utf-8", "surrogatepass")
    try:
        fields = _decode(text)
        kind = _CLASSES[fields.pop("type")]
        if kind is UseDatabases:
            fields["leases"] = tuple(map(_lease, fields["leases"]))
            return UseDatabases(**fields)
        message: Message = build(kind, fields)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a message of this version: {line[:200]!r}") from error
    if isinstance(message, FromWorker) and len(text) <= KEPT_CHARACTERS and text.isascii():
        object.__setattr__(message, "line", text)
    return message


def _lease(fields: dict[str, Any]) -> Lease:
    address = fields["address"]
    changed = {
        "dropped_options": tuple(fields["dropped_options"]),
        "vendor": Vendor(fields["vendor"]),
        "address": None if address is None else address_of(address),
    }
    return Lease(**{**fields, **changed})


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
