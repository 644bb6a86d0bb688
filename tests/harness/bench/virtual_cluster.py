"""A cluster whose nodes and clock exist in memory only, for a scheduler of any size to be tried."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from ctest_containers.cluster.link import Departed, LinkEvent, Ready, Update
from ctest_containers.cluster.messages import Alive, BatchEnded, NodeMessage, decode, encode
from ctest_containers.events import Event, OutcomeKind, TestFinished, TestOutcome, TestStarted
from ctest_containers.project.suite import Batch
from ctest_containers.wire import RunBatch

EVENT_SECONDS: Final = 0.000025
"""What Dask's client and scheduler spent on an event of a worker, measured with 2026.8."""

TASK_SECONDS: Final = 0.0013
"""What they spent on a task that does nothing, measured in the same way."""

LATENCY_SECONDS: Final = 0.005
"""What a message takes from one machine to another, through the scheduler between them."""

ALIVE_SECONDS: Final = 1.0
"""How often a node says that it is there."""

NOTICE_SECONDS: Final = 0.5
"""What it takes until the loss of a node is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a node, in seconds of the virtual clock.

    Attributes:
        joins: When it has its templates.
        lost: When it is gone; None for never.
        silent: From when on it neither says nor does anything, though nobody is told; None for
            never.
    """

    slots: int
    joins: float = 0.0
    lost: float | None = None
    silent: float | None = None


@dataclass(slots=True)
class _Node:
    name: str
    free: list[int]
    waiting: deque[RunBatch] = field(default_factory=deque)
    ended: bool = False


class VirtualCluster:
    """A `Link` to nodes that spend a virtual clock's time on tests.

    What its caller spends of the processor counts as time of that clock, too, and so does the
    reading of what nodes say, and what Dask spends on each message: where the parent cannot keep
    up, workers wait for it.

    Args:
        seconds: What each test takes, by its place in the run.
        fates: The nodes, by their names.
    """

    def __init__(
        self, batches: Sequence[Batch], seconds: Sequence[float], fates: Mapping[str, Fate]
    ) -> None:
        self.now = 0.0
        self.parent_seconds = 0.0
        self.closed = False
        self._batches = {batch.number: batch for batch in batches}
        self._seconds = seconds
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._mail: deque[tuple[float, str, LinkEvent | bytes]] = deque()
        self._nodes: dict[str, _Node] = {}
        self._gone: set[str] = set()
        self._coming = len(fates)
        for name, fate in fates.items():
            self._at(fate.joins, partial(self._join, name, fate))
        self._handed = time.process_time()

    @property
    def expected(self) -> int:
        """See `Link`."""
        return self._coming + len(self._nodes)

    def time(self) -> float:
        """The virtual clock, with what the parent has spent since it was last here."""
        return self.now + time.process_time() - self._handed

    def receive(self, timeout_seconds: float) -> Sequence[LinkEvent]:
        """See `Link`; does not wait, but lets the clock go on."""
        self._spend(time.process_time() - self._handed)
        found = self._arrived()
        if not found:
            self._live(self.now + timeout_seconds)
            found = self._arrived()
        self._spend(EVENT_SECONDS * len(found))
        self._handed = time.process_time()
        told: list[LinkEvent] = []
        for name, one in found:
            told.append(_understood(name, one) if isinstance(one, bytes) else one)
        return told

    def send(self, node: str, command: RunBatch) -> None:
        """See `Link`."""
        self._spend(TASK_SECONDS)
        self._at(self.time() + LATENCY_SECONDS, lambda now: self._take(now, node, command))

    def stop(self) -> None:
        """See `Link`."""
        for node in self._nodes.values():
            node.waiting.clear()

    def close(self, *, at_once: bool) -> Sequence[str]:
        """See `Link`."""
        del at_once
        self.closed = True
        return ()

    def _spend(self, seconds: float) -> None:
        self.now += seconds
        self.parent_seconds += seconds

    def _arrived(self) -> list[tuple[str, LinkEvent | bytes]]:
        """All that has come by now."""
        while self._agenda and self._agenda[0][0] <= self.now:
            due, _, happen = heapq.heappop(self._agenda)
            happen(due)
        found: list[tuple[str, LinkEvent | bytes]] = []
        while self._mail and self._mail[0][0] <= self.now:
            _, name, one = self._mail.popleft()
            if name not in self._gone:
                found.append((name, one))
            if isinstance(one, Departed):
                self._gone.add(name)
        return found

    def _live(self, until: float) -> None:
        """Let the clock go on to the next message, but no further than until a moment."""
        while self.now < until:
            mail = self._mail[0][0] if self._mail else until
            agenda = self._agenda[0][0] if self._agenda else until
            self.now = max(self.now, min(mail, agenda, until))
            if mail <= min(agenda, until):
                return
            while self._agenda and self._agenda[0][0] <= self.now:
                due, _, happen = heapq.heappop(self._agenda)
                happen(due)

    def _at(self, moment: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._order), happen))

    def _post(self, now: float, node: str, one: LinkEvent | bytes) -> None:
        self._mail.append((now + LATENCY_SECONDS, node, one))

    def _say(self, now: float, node: _Node, *said: NodeMessage | Event) -> None:
        if not node.ended:
            self._post(now, node.name, b"".join(map(encode, said)))

    def _join(self, name: str, fate: Fate, now: float) -> None:
        self._coming -= 1
        node = _Node(name, list(range(fate.slots, 0, -1)))
        self._nodes[name] = node
        self._post(now, name, Ready(name, fate.slots, name))
        self._at(now + ALIVE_SECONDS, lambda moment: self._be_alive(moment, node))
        if fate.lost is not None:
            self._at(max(now, fate.lost), lambda moment: self._lose(moment, node))
        if fate.silent is not None:
            self._at(max(now, fate.silent), lambda _: self._end(node))

    def _be_alive(self, now: float, node: _Node) -> None:
        if not node.ended:
            self._say(now, node, Alive())
            self._at(now + ALIVE_SECONDS, lambda moment: self._be_alive(moment, node))

    def _lose(self, now: float, node: _Node) -> None:
        self._end(node)
        del self._nodes[node.name]
        self._at(now + NOTICE_SECONDS, lambda moment: self._tell_of(moment, node))

    def _tell_of(self, now: float, node: _Node) -> None:
        self._post(now, node.name, Departed(node.name, "the machine is gone"))

    def _end(self, node: _Node) -> None:
        node.ended = True
        node.waiting.clear()

    def _take(self, now: float, name: str, command: RunBatch) -> None:
        node = self._nodes.get(name)
        if node is not None and not node.ended:
            node.waiting.append(command)
            self._employ(now, node)

    def _employ(self, now: float, node: _Node) -> None:
        while node.free and node.waiting:
            command = node.waiting.popleft()
            skip = set(command.skip)
            places = [one for one in self._batches[command.batch].indices if one not in skip]
            self._run(now, node, node.free.pop(), command.batch, deque(places))

    def _run(self, now: float, node: _Node, worker: int, batch: int, left: deque[int]) -> None:
        """Let a worker run the next test of its batch, or say that it has ended."""
        if node.ended:
            return
        if not left:
            self._say(now, node, BatchEnded(batch=batch))
            node.free.append(worker)
            self._employ(now, node)
            return
        index = left.popleft()
        name = f"module.Class.test_{index}"
        self._say(now, node, TestStarted(worker=worker, index=index, test_id=name))

        def finish(moment: float) -> None:
            outcome = TestOutcome(
                worker=worker, index=index, test_id=name, kind=OutcomeKind.SUCCESS
            )
            took = self._seconds[index]
            finished = TestFinished(worker=worker, index=index, seconds=took)
            self._say(moment, node, outcome, finished)
            self._run(moment, node, worker, batch, left)

        self._at(now + self._seconds[index], finish)


def _understood(name: str, lines: bytes) -> Update:
    said = [decode(line) for line in lines.splitlines()]
    ended = [one.batch for one in said if isinstance(one, BatchEnded)]
    events = [one for one in said if not isinstance(one, (Alive, BatchEnded))]
    return Update(name, events, ended)  # type: ignore[arg-type]  # Nodes here say nothing else.
