"""The connection between the parent and the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ctest_containers.events import Event
from ctest_containers.wire import RunBatch


@dataclass(frozen=True, slots=True)
class Ready:
    """A node has its templates, and its workers can start.

    Attributes:
        slots: The number of its workers.
        name: The name of its machine.
    """

    node: str
    slots: int
    name: str


@dataclass(frozen=True, slots=True)
class Update:
    """A node has sent events, or only a sign of life.

    Attributes:
        ended: Numbers of the batches that it has run to their end.
        closed: Whether it has stopped as requested.
    """

    node: str
    events: Sequence[Event] = ()
    ended: Sequence[int] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Departed:
    """A node has left, or cannot go on.

    Attributes:
        reason: Why, as part of a sentence.
        refused: Whether it left before it was ready for work.
    """

    node: str
    reason: str
    refused: bool = False


LinkEvent = Ready | Update | Departed


class Link(Protocol):
    """Sends commands to nodes, and receives their events."""

    def receive(self, timeout_seconds: float) -> Sequence[LinkEvent]:
        """Return what nodes have sent, waiting up to this many seconds for the first event."""

    def send(self, node: str, command: RunBatch) -> None:
        """Send a batch to a node."""

    def stop(self) -> None:
        """Tell all nodes to start no further test."""

    def close(self, *, at_once: bool) -> Sequence[str]:
        """Let every node remove what it started.

        Args:
            at_once: Whether to kill tests that still run instead of waiting for them.

        Returns:
            A description of each thing that could not be removed.
        """

    @property
    def expected(self) -> int:
        """How many nodes are ready or starting."""
