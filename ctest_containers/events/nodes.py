"""What happens to the nodes of a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeJoined:
    """A node of the cluster is ready to run tests.

    Attributes:
        node: Its address in the cluster.
        host: What the machine calls itself.
        workers: How many tests it runs at once.
    """

    node: str
    host: str
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLost:
    """A node of the cluster is gone or cannot go on; others run what it had not ended."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSilent:
    """Nothing has been heard of a node for a while; idle nodes may run copies of what it has."""

    node: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePrinted:
    """What the tests on a node of the cluster have printed, in whole lines."""

    node: str
    text: str
