"""Events of the nodes of a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeJoined:
    """A node of the cluster is ready to run tests.

    Attributes:
        node: Its address in the cluster.
        host: The name of the machine.
        workers: How many tests it runs at once.
    """

    node: str
    host: str
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLost:
    """A node of the cluster is gone or cannot go on; other nodes run its remaining tests.

    Attributes:
        node: Its address in the cluster.
        reason: Why, as part of a sentence.
    """

    node: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSilent:
    """A node has sent nothing for a while; idle nodes may run copies of its batches.

    Attributes:
        node: Its address in the cluster.
        seconds: How long ago it sent something.
    """

    node: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePrinted:
    """The tests on a node of the cluster have printed something.

    Attributes:
        node: Its address in the cluster.
        text: The output, in whole lines.
    """

    node: str
    text: str
