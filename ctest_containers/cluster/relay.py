"""Passes on the events of nodes, so that each test is reported once even if nodes are lost."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ctest_containers.events import (
    Event,
    LeakDetected,
    OutcomeKind,
    Phase,
    PhaseStarted,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
)
from ctest_containers.project.suite import Batch
from ctest_containers.workers.batch_progress import Work, error_of_lost


@dataclass(slots=True)
class Node:
    """A node as the parent sees it.

    Attributes:
        last_contact: The time of its last message, in seconds.
        silent: Whether that was too long ago.
        workers: The number of each of its workers in this run.
        held: The outcomes of running tests, by the index of the test, until the test ends.
        running: The index of the test that each of its workers runs.
        explicit: The workers whose test has its own limit, or explicitly none.
    """

    last_contact: float
    silent: bool = False
    workers: dict[int, int] = field(default_factory=dict)
    held: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))
    running: dict[int, int] = field(default_factory=dict)
    explicit: set[int] = field(default_factory=set)


class EventRelay:
    """Passes on what nodes report, and remembers what has been reported.

    Args:
        batches: All batches of the run.
        works: What is left of each batch, by its number.
        report: Called with each event that is passed on.
    """

    def __init__(
        self,
        batches: Sequence[Batch],
        works: Mapping[int, Work],
        report: Callable[[Event], None],
    ) -> None:
        self._works = works
        self._batch_of = {index: batch.number for batch in batches for index in batch.indices}
        # A class may run on two nodes, in parts or after a loss; its fixtures are reported once.
        self._reported: set[tuple[str, OutcomeKind]] = set()
        self._report = report
        self._workers = 0
        self._begun = False

    def pass_on(self, node: Node, event: Event) -> bool:
        """Report an event of a node; the outcomes of a test when it has ended.

        Returns:
            Whether a test has ended.
        """
        worker = getattr(event, "worker", 0)
        if worker:
            changed: Any = event
            event = dataclasses.replace(changed, worker=self._number(node, worker))
        index = getattr(event, "index", None)
        if isinstance(event, PhaseStarted):
            # The phase of a node is not the phase of the run.
            return False
        if index is None:
            if self._is_new(event):
                self._report(event)
            return False
        work = self._works[self._batch_of[index]]
        if index in work.ended:
            # Another node was faster, or this one was presumed lost.
            return False
        self._pass_test_on(node, worker, index, work, event)
        return isinstance(event, TestFinished)

    def _is_new(self, event: Event) -> bool:
        match event:
            case TestOutcome(test_id=fixture, kind=kind):
                key = fixture, kind
            case LeakDetected(alias=alias, owners=owners):
                key = f"{alias} {owners}", OutcomeKind.FAILURE
            case _:
                return True
        if key in self._reported:
            return False
        self._reported.add(key)
        return True

    def _pass_test_on(self, node: Node, worker: int, index: int, work: Work, event: Event) -> None:
        match event:
            case TestStarted(idle_only=idle_only):
                if not self._begun:
                    self._begun = True
                    self._report(PhaseStarted(phase=Phase.TESTS))
                node.held.pop(index, None)
                node.running[worker] = index
                if not idle_only:
                    node.explicit.add(worker)
            case TestRetried():
                work.full.add(index)
                node.held.pop(index, None)
            case TestOutcome() if node.running.get(worker) != index:
                # Django reports an error before a test starts, and then does not start it.
                work.ended.add(index)
            case TestOutcome() | TestDuration():
                node.held[index].append(event)
                return
            case TestFinished():
                work.ended.add(index)
                node.running.pop(worker, None)
                node.explicit.discard(worker)
                for outcome in node.held.pop(index, []):
                    self._report(outcome)
            case _:
                pass
        self._report(event)

    def fail(self, index: int, text: str) -> None:
        """Report the error and the end of a test that no node can report."""
        self._report(error_of_lost(0, index, self.name_of(index), text))
        self._report(TestFinished(worker=0, index=index, seconds=0.0))

    def not_run(self, index: int, why: str) -> None:
        """Report a test that no node has started.

        Args:
            why: The reason, as part of a sentence.
        """
        self._report(TestStarted(worker=0, index=index, test_id=self.name_of(index)))
        self.fail(index, f"Not run: {why}.")

    def name_of(self, index: int) -> str:
        """Return the name of a test."""
        batch = self._works[self._batch_of[index]].batch
        return batch.tests[index - batch.first].id()

    def _number(self, node: Node, worker: int) -> int:
        if worker not in node.workers:
            self._workers += 1
            node.workers[worker] = self._workers
        return node.workers[worker]
