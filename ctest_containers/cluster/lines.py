"""What a node's process says, a JSON line each: events of the run, and a few words of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, get_args

from ctest_containers.codec import build, encoder, fields_of
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

_KINDS: Final[dict[str, Any]] = {
    kind.__name__: kind for kind in (*get_args(Word), *get_args(Event)) if kind is not TimePassed
}

_encode: Final = encoder(ascii_only=True)


def encode(said: Word | Event) -> bytes:
    """A word or an event as one line."""
    came: str | None = getattr(said, "line", None)
    text = came if came is not None else _encode({"type": type(said).__name__, **fields_of(said)})
    return text.encode() + b"\n"


def decode(line: bytes | str) -> Word | Event:
    """What a line says.

    Raises:
        ValueError: Nothing of this version.
    """
    try:
        fields = json.loads(line)
        found: Word | Event = build(_KINDS[fields.pop("type")], fields)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a line of this version: {line[:200]!r}") from error
    return found
