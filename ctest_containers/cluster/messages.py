"""What a node's process sends, as JSON lines: events of the run, and messages about the node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

from ctest_containers.codec import Vocabulary
from ctest_containers.events import Event, TimePassed


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReady:
    """The node has its templates, and this many workers."""

    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnded:
    """The node has finished a batch, whatever the outcome of its tests."""

    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The node has nothing to report and is alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed:
    """The node cannot go on."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClosed:
    """The node has removed what it started, except what is left."""

    left: tuple[str, ...]


NodeMessage = NodeReady | BatchEnded | Alive | NodeFailed | NodeClosed

MESSAGES: Final = Vocabulary(
    kind for kind in (*get_args(NodeMessage), *get_args(Event)) if kind is not TimePassed
)


def encode(message: NodeMessage | Event) -> bytes:
    """Return a message or an event as one line."""
    line: str | None = getattr(message, "line", None)
    return (line if line is not None else MESSAGES.encode(message)).encode() + b"\n"


def decode(line: bytes | str) -> NodeMessage | Event:
    """Return the message or the event of a line.

    Raises:
        ValueError: The line is not valid in this version.
    """
    message: NodeMessage | Event = MESSAGES.decode(line)
    return message
