"""What carries messages between the parent and the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ctest_containers.events import Event
from ctest_containers.wire import RunBatch


@dataclass(frozen=True, slots=True)
class Ready:
    """A node has its templates, and so many workers."""

    node: str
    slots: int
    name: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A node has told what happened there, or only that it is there.

    Attributes:
        ended: Numbers of the batches that it has run to their end.
        closed: Whether it has stopped, as it was told to.
    """

    node: str
    events: Sequence[Event] = ()
    ended: Sequence[int] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """A node has left, or cannot go on.

    Attributes:
        reason: Why, in a sentence.
        refused: Whether it never had work, because it cannot have any.
    """

    node: str
    reason: str
    refused: bool = False


LinkEvent = Ready | Heard | Gone


class Link(Protocol):
    """The way to the nodes and back."""

    def receive(self, timeout_seconds: float) -> Sequence[LinkEvent]:
        """What nodes have told, waiting so long for the first word."""

    def send(self, node: str, command: RunBatch) -> None:
        """Let a node run a batch."""

    def stop(self) -> None:
        """Let no node begin a further test."""

    def close(self, *, at_once: bool) -> Sequence[str]:
        """Let every node remove what it started; gives a sentence for each thing that is left.

        Args:
            at_once: Whether tests that still run are not waited for.
        """

    @property
    def expected(self) -> int:
        """How many nodes are there, ready or on their way."""
