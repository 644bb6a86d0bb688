"""Gives batches to nodes, and accounts for every test whatever becomes of a node."""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ctest_containers.clock import Deadline
from ctest_containers.cluster.link import Gone, Heard, Link, LinkEvent, Ready
from ctest_containers.cluster.scheduler import LOSSES, Scheduler
from ctest_containers.errors import ClusterError
from ctest_containers.events import (
    ContainersLeft,
    Event,
    NodeJoined,
    NodeLost,
    NodeSilent,
    OutcomeKind,
    Phase,
    PhaseStarted,
    RunStopping,
    RunTimedOut,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
    TimePassed,
    WorkersPlanned,
)
from ctest_containers.limits import Limit, why_run_ended
from ctest_containers.project.suite import Batch
from ctest_containers.text import plural
from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_progress import Work, error_of_lost

TICK_SECONDS: Final = 0.2
"""How often the pool looks whether it is to stop, when nothing else happens."""

SILENT_SECONDS: Final = 15.0
"""A node that has not been heard of for so long is silent; one that is well says so each second."""

LOST_SECONDS: Final = 120.0
"""A node that has been silent for so long is lost."""

STOP_SECONDS: Final = 60.0
"""How long tests that run when the run is interrupted may take to end."""


@dataclass(slots=True)
class Node:
    """A node as its parent sees it.

    Attributes:
        heard: When something was last heard of it.
        workers: The number in this run of each of its workers.
        held: What was told of tests that are running, by their places, until they end.
        running: Which test runs in which of its workers.
        explicit: The workers whose test has a limit of its own, or none.
    """

    heard: float
    silent: bool = False
    workers: dict[int, int] = field(default_factory=dict)
    held: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))
    running: dict[int, int] = field(default_factory=dict)
    explicit: set[int] = field(default_factory=set)


class ClusterPool:
    """Runs batches on the nodes that a link leads to; what `WorkerPool` is on one machine.

    Args:
        batches: In the order in which they are to begin.
        report: Is told every event.
        stopping: Whether no further test is to begin.
        whole_run: What all tests together may take; None for any time.
        expected: What batches are expected to take, in seconds, by their numbers.
        wait_seconds: How long the cluster may be without any node before the run gives up.
        now: The clock, in seconds, by which nodes fall silent.
    """

    def __init__(
        self,
        *,
        batches: Sequence[Batch],
        link: Link,
        report: Callable[[Event], None],
        stopping: Callable[[], bool],
        whole_run: Limit | None,
        expected: Mapping[int, float],
        wait_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._wait_seconds = wait_seconds
        self._works = {
            batch.number: Work(batch, seconds=expected.get(batch.number, 0.0)) for batch in batches
        }
        self._board = Scheduler(self._works.values())
        self._batch_of = {index: batch.number for batch in batches for index in batch.indices}
        # A class may run on two nodes, in parts or after the loss of one; its fixtures speak once.
        self._said: set[tuple[str, OutcomeKind]] = set()
        self._link = link
        self._report = report
        self._stopping = stopping
        self._whole_run = whole_run
        self._nodes: dict[str, Node] = {}
        self._departed: set[str] = set()
        # What may have work now that it could not have before; of many nodes, few change at a time.
        self._unemployed: dict[str, None] = {}
        self._minded = float("-inf")
        self._workers = 0
        self._end: Deadline | None = None
        self._interrupted: Deadline | None = None
        self._begun = self._is_refused = self._is_over_time = False
        self._reasons: list[str] = []

    def run(self) -> None:
        """Run everything.

        Raises:
            ClusterError: No node can run tests.
        """
        at_once = True
        try:
            self._run()
            at_once = self._is_over_time
        finally:
            if left := self._link.close(at_once=at_once):
                reason = "Their nodes have not removed them."
                self._report(ContainersLeft(containers=tuple(left), reason=reason))

    def _run(self) -> None:
        self._limit_run()
        alone = Deadline(self._wait_seconds)
        while not self._board.is_done:
            if self._stopping() and self._interrupted is None:
                self._interrupt()
            if self._interrupted is None:
                self._assign_batches()
            elif self._interrupted.passed or not self._nodes:
                return
            told = self._link.receive(TICK_SECONDS)
            if not told:
                self._report(TimePassed())
                self._unemployed.update(dict.fromkeys(self._nodes))
            for one in told:
                self._on_message(one)
            if self._now() - self._minded > TICK_SECONDS:
                self._mind_silence()
            self._unemployed.update(dict.fromkeys(one.node for one in told))
            if self._nodes or self._link.expected:
                alone = Deadline(self._wait_seconds)
            elif alone.passed or self._is_refused:
                self._give_up()
            if self._is_out_of_time():
                self._time_out()
                return

    @property
    def not_run(self) -> int:
        """How many tests have not ended."""
        return sum(len(work.left) for work in self._board.unfinished())

    def _assign_batches(self) -> None:
        names, self._unemployed = self._unemployed, {}
        for name in names:
            while name in self._nodes and (work := self._board.give(name)) is not None:
                self._link.send(
                    name,
                    RunBatch(
                        batch=work.batch.number,
                        skip=tuple(sorted(work.ended)),
                        full=tuple(sorted(work.full)),
                        careful=work.careful,
                    ),
                )

    def _on_message(self, told: LinkEvent) -> None:
        match told:
            case Ready(node=name, slots=slots):
                self._nodes[name] = Node(heard=self._now())
                self._board.join(name, slots)
                self._report(NodeJoined(node=name, host=told.name, workers=slots))
                self._plan()
            case Heard(node=name) if name in self._nodes:
                self._hear(name, told)
            case Heard(node=name, events=events) if name not in self._departed:
                # It gets its templates ready, and tells of that.
                for event in events:
                    self._pass_on(Node(heard=self._now()), event)
            case Gone(node=name, reason=reason, refused=refused):
                self._reasons.append(f"{name}: {reason}")
                self._departed.add(name)
                # Others like it would not fare better; one in place of a lost one may.
                self._is_refused = refused
                if name in self._nodes:
                    self._lose(name, reason)
                else:
                    self._report(NodeLost(node=name, reason=reason))
            case _:
                pass

    def _plan(self) -> None:
        """Say how many workers there are, for they come and go with nodes."""
        slots = sum(self._board.slots_of(name) for name in self._nodes)
        where = f"on {plural(len(self._nodes), 'node')} of the cluster"
        self._report(WorkersPlanned(workers=slots, reason=where, limits=(), warnings=()))

    def _hear(self, name: str, told: Heard) -> None:
        node = self._nodes[name]
        node.heard = self._now()
        if node.silent:
            node.silent = False
            self._board.speak(name)
        for event in told.events:
            self._pass_on(node, event)
        for batch in told.ended:
            self._board.ended(name, batch)
        if told.closed:
            del self._nodes[name]
            self._departed.add(name)

    def _pass_on(self, node: Node, event: Event) -> None:
        """Report what a node has told; of a test all at once when it has ended there."""
        worker = getattr(event, "worker", 0)
        if worker:
            changed: Any = event
            event = dataclasses.replace(changed, worker=self._number(node, worker))
        index = getattr(event, "index", None)
        if isinstance(event, PhaseStarted):
            # What each node does at the moment is not what the run does.
            return
        if index is None:
            if isinstance(event, TestOutcome):
                if (event.test_id, event.kind) in self._said:
                    return
                self._said.add((event.test_id, event.kind))
            self._report(event)
            return
        work = self._works[self._batch_of[index]]
        if index in work.ended:
            # Another node was quicker, or this one was believed to be lost.
            return
        match event:
            case TestStarted(idle_only=idle_only):
                if not self._begun:
                    self._begun = True
                    self._report(PhaseStarted(phase=Phase.TESTS))
                node.held.pop(index, None)
                node.running[worker] = index
                if not idle_only:
                    node.explicit.add(worker)
                self._report(event)
            case TestRetried():
                work.full.add(index)
                node.held.pop(index, None)
                self._report(event)
            case TestOutcome() if node.running.get(worker) != index:
                # Django reports an error before a test starts, and then does not start it.
                work.ended.add(index)
                self._report(event)
            case TestOutcome() | TestDuration():
                node.held[index].append(event)
            case TestFinished():
                work.ended.add(index)
                node.running.pop(worker, None)
                node.explicit.discard(worker)
                for held in node.held.pop(index, []):
                    self._report(held)
                self._report(event)
                if self._whole_run is not None and self._whole_run.idle_only:
                    self._limit_run()
            case _:
                self._report(event)

    def _limit_run(self) -> None:
        if self._whole_run is not None:
            self._end = Deadline(self._whole_run.seconds)

    def _is_out_of_time(self) -> bool:
        """Whether the time of the run is up; a default limit waits for tests with their own."""
        limit = self._whole_run
        if limit is None or self._end is None:
            return False
        running = [node for node in self._nodes.values() if node.running]
        if limit.idle_only and not running:
            # Nodes that get ready have limits of their own.
            self._limit_run()
        if not self._end.passed:
            return False
        return not (limit.idle_only and any(node.explicit for node in running))

    def _number(self, node: Node, worker: int) -> int:
        if worker not in node.workers:
            self._workers += 1
            node.workers[worker] = self._workers
        return node.workers[worker]

    def _mind_silence(self) -> None:
        now = self._minded = self._now()
        for name, node in list(self._nodes.items()):
            seconds = now - node.heard
            if seconds > LOST_SECONDS:
                self._lose(name, f"nothing has been heard of it for {LOST_SECONDS:g} s")
            elif seconds > SILENT_SECONDS and not node.silent:
                node.silent = True
                self._board.fall_silent(name)
                self._unemployed.update(dict.fromkeys(self._nodes))
                self._report(NodeSilent(node=name, seconds=round(seconds, 1)))

    def _lose(self, name: str, reason: str) -> None:
        node = self._nodes.pop(name)
        self._departed.add(name)
        running = list(node.running.values())
        given_up = self._board.lose(name, running)
        self._unemployed.update(dict.fromkeys(self._nodes))
        self._report(NodeLost(node=name, reason=reason))
        for work, index in given_up:
            test_id = work.batch.tests[index - work.batch.first].id()
            text = f"{LOSSES} nodes were lost while they ran this test, the last for: {reason}"
            self._fail(index, test_id, text)

    def _fail(self, index: int, test_id: str, text: str) -> None:
        self._report(error_of_lost(0, index, test_id, text))
        self._report(TestFinished(worker=0, index=index, seconds=0.0))

    def _interrupt(self) -> None:
        self._interrupted = Deadline(STOP_SECONDS)
        running = [index for node in self._nodes.values() for index in node.running.values()]
        names = [self._name_of(index) for index in running]
        if names:
            self._report(RunStopping(tests=tuple(names)))
        self._link.stop()

    def _time_out(self) -> None:
        """Account for every test that has not ended when the run's time is up."""
        limit = self._whole_run
        assert limit is not None
        self._is_over_time = True
        self._report(RunTimedOut(limit_seconds=limit.seconds, idle_only=limit.idle_only))
        why = why_run_ended(limit)
        running = {index for node in self._nodes.values() for index in node.running.values()}
        for work in self._board.unfinished():
            for index in work.left:
                test_id = self._name_of(index)
                if index in running:
                    self._fail(index, test_id, f"Ended: {why}.")
                    continue
                self._report(TestStarted(worker=0, index=index, test_id=test_id))
                self._fail(index, test_id, f"Not run: {why}.")
        self._board.clear()

    def _give_up(self) -> None:
        reasons = "\n".join(dict.fromkeys(self._reasons)) or "No Dask worker has come."
        raise ClusterError(
            f"No node of the cluster can run tests.\n{reasons}",
            "See which workers the scheduler has, on its dashboard.",
        )

    def _name_of(self, index: int) -> str:
        batch = self._works[self._batch_of[index]].batch
        return batch.tests[index - batch.first].id()
