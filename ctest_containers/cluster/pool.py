"""Assigns batches to nodes, and accounts for every test even if nodes are lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.cluster.link import Departed, Link, LinkEvent, Ready, Update
from ctest_containers.cluster.relay import EventRelay, Node
from ctest_containers.cluster.scheduler import LOSSES, Scheduler
from ctest_containers.errors import ClusterError
from ctest_containers.events import (
    ContainersLeft,
    Event,
    NodeJoined,
    NodeLost,
    NodeSilent,
    RunStopping,
    RunTimedOut,
    TimePassed,
    WorkersPlanned,
)
from ctest_containers.limits import Limit, why_run_ended
from ctest_containers.project.suite import Batch
from ctest_containers.text import plural
from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_progress import Work

TICK_SECONDS: Final = 0.2
"""How often the pool checks whether to stop if nothing else happens."""

SILENT_SECONDS: Final = 15.0
"""After this long without a message, a node is silent; a healthy one sends one each second."""

LOST_SECONDS: Final = 120.0
"""After this long without a message, a node is lost."""

STOP_SECONDS: Final = 60.0
"""How long running tests may take to end after an interrupt."""


class ClusterPool:
    """Runs batches on the nodes of a link, like `WorkerPool` on one machine.

    Args:
        batches: All batches, in the order in which they are to start.
        report: Called with every event.
        stopping: Returns whether no further test may start.
        whole_run: How long all tests together may take; None for no limit.
        expected: How long batches are expected to take, in seconds, by their numbers.
        wait_seconds: How long the cluster may be without a node before the run gives up.
        now: Returns the time in seconds, by which nodes become silent.
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
        self._scheduler = Scheduler(self._works.values())
        self._relay = EventRelay(batches, self._works, report)
        self._link = link
        self._report = report
        self._stopping = stopping
        self._whole_run = whole_run
        self._nodes: dict[str, Node] = {}
        self._departed: set[str] = set()
        # Nodes that may now have room for a batch; of many nodes, few change at a time.
        self._idle: dict[str, None] = {}
        self._silence_checked = float("-inf")
        self._end: Deadline | None = None
        self._interrupted: Deadline | None = None
        self._is_refused = self._is_over_time = False
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
                reason = "Their nodes did not remove them."
                self._report(ContainersLeft(containers=tuple(left), reason=reason))

    def _run(self) -> None:
        self._limit_run()
        without_nodes = Deadline(self._wait_seconds)
        while not self._scheduler.is_done:
            if self._stopping() and self._interrupted is None:
                self._interrupt()
            if self._interrupted is None:
                self._assign_batches()
            elif self._interrupted.passed or not self._nodes:
                return
            events = self._link.receive(TICK_SECONDS)
            if not events:
                self._report(TimePassed())
                self._idle.update(dict.fromkeys(self._nodes))
            for event in events:
                self._on_link_event(event)
            if self._now() - self._silence_checked > TICK_SECONDS:
                self._check_silence()
            self._idle.update(dict.fromkeys(event.node for event in events))
            if self._nodes or self._link.expected:
                without_nodes = Deadline(self._wait_seconds)
            elif without_nodes.passed or self._is_refused:
                self._give_up()
            if self._is_out_of_time():
                self._time_out()
                return

    @property
    def not_run(self) -> int:
        """How many tests have not ended."""
        return sum(len(work.left) for work in self._scheduler.unfinished())

    def _assign_batches(self) -> None:
        names, self._idle = self._idle, {}
        for name in names:
            while name in self._nodes and (work := self._scheduler.assign(name)) is not None:
                self._link.send(
                    name,
                    RunBatch(
                        batch=work.batch.number,
                        skip=tuple(sorted(work.ended)),
                        full=tuple(sorted(work.full)),
                        careful=work.careful,
                    ),
                )

    def _on_link_event(self, event: LinkEvent) -> None:
        match event:
            case Ready(node=name, slots=slots):
                self._nodes[name] = Node(last_contact=self._now())
                self._scheduler.join(name, slots)
                self._report(NodeJoined(node=name, host=event.name, workers=slots))
                self._report_workers()
            case Update(node=name) if name in self._nodes:
                self._update(name, event)
            case Update(node=name, events=events) if name not in self._departed:
                # It prepares its templates.
                for node_event in events:
                    self._relay.pass_on(Node(last_contact=self._now()), node_event)
            case Departed(node=name, reason=reason, refused=refused):
                self._reasons.append(f"{name}: {reason}")
                self._departed.add(name)
                # Other nodes would probably be refused, too; a replacement of a lost one may work.
                self._is_refused = refused
                if name in self._nodes:
                    self._lose(name, reason)
                else:
                    self._report(NodeLost(node=name, reason=reason))
            case _:
                pass

    def _report_workers(self) -> None:
        """Report how many workers there are; their number changes with that of the nodes."""
        slots = sum(self._scheduler.slots_of(name) for name in self._nodes)
        where = f"on {plural(len(self._nodes), 'node')} of the cluster"
        self._report(WorkersPlanned(workers=slots, reason=where, limits=(), warnings=()))

    def _update(self, name: str, update: Update) -> None:
        node = self._nodes[name]
        node.last_contact = self._now()
        if node.silent:
            node.silent = False
            self._scheduler.mark_responsive(name)
        for event in update.events:
            has_ended = self._relay.pass_on(node, event)
            if has_ended and self._whole_run is not None and self._whole_run.idle_only:
                self._limit_run()
        for batch in update.ended:
            self._scheduler.ended(name, batch)
        if update.closed:
            del self._nodes[name]
            self._departed.add(name)

    def _limit_run(self) -> None:
        if self._whole_run is not None:
            self._end = Deadline(self._whole_run.seconds)

    def _is_out_of_time(self) -> bool:
        """Return whether time is up; a default limit waits for tests that have their own."""
        limit = self._whole_run
        if limit is None or self._end is None:
            return False
        running = [node for node in self._nodes.values() if node.running]
        if limit.idle_only and not running:
            # Nodes that prepare themselves have limits of their own.
            self._limit_run()
        if not self._end.passed:
            return False
        return not (limit.idle_only and any(node.explicit for node in running))

    def _check_silence(self) -> None:
        now = self._silence_checked = self._now()
        for name, node in list(self._nodes.items()):
            seconds = now - node.last_contact
            if seconds > LOST_SECONDS:
                self._lose(name, f"it has not sent anything for {LOST_SECONDS:g} s")
            elif seconds > SILENT_SECONDS and not node.silent:
                node.silent = True
                self._scheduler.mark_silent(name)
                self._idle.update(dict.fromkeys(self._nodes))
                self._report(NodeSilent(node=name, seconds=round(seconds, 1)))

    def _lose(self, name: str, reason: str) -> None:
        node = self._nodes.pop(name)
        self._departed.add(name)
        running = list(node.running.values())
        given_up = self._scheduler.lose(name, running)
        self._idle.update(dict.fromkeys(self._nodes))
        self._report(NodeLost(node=name, reason=reason))
        for _, index in given_up:
            text = (
                f"{LOSSES} nodes were lost while running this test, the last one because {reason}"
            )
            self._relay.fail(index, text)

    def _interrupt(self) -> None:
        self._interrupted = Deadline(STOP_SECONDS)
        running = [index for node in self._nodes.values() for index in node.running.values()]
        names = [self._relay.name_of(index) for index in running]
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
        for work in self._scheduler.unfinished():
            for index in work.left:
                if index in running:
                    self._relay.fail(index, f"Ended: {why}.")
                else:
                    self._relay.not_run(index, why)
        self._scheduler.clear()

    def _give_up(self) -> None:
        reasons = "\n".join(dict.fromkeys(self._reasons)) or "No Dask worker has joined."
        raise ClusterError(
            f"No node of the cluster can run tests.\n{reasons}",
            "Look for its workers on the scheduler's dashboard.",
        )
