"""What a node's process says, a JSON line each: events of the run, and a few words of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

from ctest_containers.codec import Vocabulary
from ctest_containers.events import Event, TimePassed


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReady:
    """It has its templates, and so many workers."""

    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnded:
    """It has run a batch to its end, one way or another."""

    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """It is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed:
    """It cannot go on."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClosed:
    """It has removed what it started, but for these."""

    left: tuple[str, ...]


Word = NodeReady | BatchEnded | Alive | NodeFailed | NodeClosed

WORDS: Final = Vocabulary(
    kind for kind in (*get_args(Word), *get_args(Event)) if kind is not TimePassed
)


def encode(said: Word | Event) -> bytes:
    """A word or an event as one line."""
    came: str | None = getattr(said, "line", None)
    return (came if came is not None else WORDS.encode(said)).encode() + b"\n"


def decode(line: bytes | str) -> Word | Event:
    """What a line says.

    Raises:
        ValueError: Nothing of this version.
    """
    found: Word | Event = WORDS.decode(line)
    return found
