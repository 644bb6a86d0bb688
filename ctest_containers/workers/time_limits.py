"""Decides what to do if a test, a fixture, a batch or the whole run takes too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.events import (
    FixtureFinished,
    FixtureStarted,
    TestFinished,
    TestSlow,
    TestStarted,
)
from ctest_containers.limits import Limit, Limits
from ctest_containers.originals import ORIGINALS
from ctest_containers.wire import KeepRequest, Message, TerminalRequest
from ctest_containers.workers.overdue import GRACE_SECONDS, Overdue, overdue_after
from ctest_containers.workers.progress import Progress
from ctest_containers.workers.worker_state import BatchState, ProcessState, WorkerState

STACK_SECONDS: Final = 0.3
"""How long a worker may take to write its stacks to a file."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Interrupt the test that a process runs."""

    state: ProcessState


@dataclass(frozen=True, slots=True)
class RequestStacks:
    """Ask a process to write its stacks to a file."""

    state: ProcessState


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill a process that is overdue.

    Attributes:
        reason: Why, as a sentence.
    """

    state: ProcessState
    reason: str


Measure = Interrupt | RequestStacks | Kill
"""What has to be done with a process that takes too long."""

Decision = Measure | TestSlow
"""What the pool has to do; it reports an event."""


def carry_out(measure: Measure) -> None:
    """Do what has to be done with a process that takes too long."""
    match measure:
        case Interrupt(state):
            state.process.interrupt_test()
        case RequestStacks(state):
            state.process.request_stacks()
        case Kill(state, reason):
            state.overdue = f"{reason} Its stacks:\n{state.process.stacks()}"
            state.process.kill()


class TimeLimits:
    """Watches the limits of a run.

    While a test with its own limit runs, no default limit ends its batch or the run.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._end_of_run: Deadline | None = None

    @property
    def whole_run(self) -> Limit | None:
        """The limit of the run."""
        return self._limits.whole_run

    def begin_batch(self, batch: BatchState) -> None:
        """Start the time of a batch."""
        limit = self._limits.per_worker
        if limit is None:
            return
        if limit.idle_only:
            # A test may take as long as that, and is interrupted before its worker is killed.
            seconds = limit.seconds + 2 * GRACE_SECONDS
            why = f"no test of this class has ended for {limit.seconds:g} s."
        else:
            seconds = limit.seconds
            why = f"its worker took longer than {seconds:g} s for this class of tests."
        batch.batch_deadline = Overdue(Deadline(seconds), f"Timed out: {why}")

    def note(self, state: ProcessState, message: Message) -> None:
        """Note what a process begins and ends.

        While it waits for an answer that may take long, no limit ends its batch or the run.
        """
        match message:
            case TestStarted() | FixtureStarted():
                if state.batch is not None:
                    self._begin(state, state.batch, message)
            case FixtureFinished():
                self._end(state)
            case TestFinished():
                self._end(state)
                if self._limits.whole_run is not None and self._limits.whole_run.idle_only:
                    self._end_of_run = None
            case KeepRequest() | TerminalRequest():
                if state.batch is not None:
                    state.batch.paused_since = ORIGINALS.monotonic()
            case _:
                pass

    def _begin(
        self, state: ProcessState, batch: BatchState, started: TestStarted | FixtureStarted
    ) -> None:
        self._end(state)
        seconds = started.limit_seconds
        batch.is_unlimited = seconds is None
        if seconds is None:
            return
        if started.idle_only and self._limits.per_test is not None:
            batch.progress = Progress(
                self._limits.per_test, process=state.process.pid, servers=state.servers
            )
        else:
            batch.deadline = overdue_after(Limit(seconds), seconds)

    def _end(self, state: ProcessState) -> None:
        """Stop the time of a test or a fixture."""
        batch = state.batch
        if batch is None:
            return
        batch.deadline = batch.progress = None
        batch.is_unlimited = False
        if self._limits.per_worker is not None and self._limits.per_worker.idle_only:
            self.begin_batch(batch)

    def resume(self, state: ProcessState) -> None:
        """Let limits run on after a request, as if no time had passed since it was made."""
        batch = state.batch
        if batch is None or batch.paused_since is None:
            return
        seconds = ORIGINALS.monotonic() - batch.paused_since
        batch.paused_since = None
        for overdue in (batch.deadline, batch.batch_deadline, batch.progress):
            if overdue is not None:
                overdue.extend(seconds)
        if self._end_of_run is not None:
            self._end_of_run = self._end_of_run.extended(seconds)

    def is_run_over(self, busy: Sequence[WorkerState]) -> bool:
        """Return whether the time of the run is up."""
        limit = self._limits.whole_run
        if limit is None:
            return False
        if self._end_of_run is None or (limit.idle_only and not busy):
            # While workers wait for servers, the limits of the servers apply.
            self._end_of_run = Deadline(limit.seconds)
        if not self._end_of_run.passed or any(_is_paused(worker.batch) for worker in busy):
            return False
        return not (limit.idle_only and any(_has_own_limit(worker.batch) for worker in busy))

    def decide(self, busy: Sequence[WorkerState]) -> Iterator[Decision]:
        """Decide to interrupt what has exceeded its limit, and to kill its worker if that fails.

        A worker is asked for its stack before it is killed.
        """
        for worker in busy:
            state, batch = worker.state, worker.batch
            if state is None or batch is None or _is_paused(batch):
                continue
            yield from self._check_progress(worker.number, batch)
            due = batch.deadline
            if due is not None and due.interrupt is not None and due.interrupt.passed:
                # Repeated until it works: the worker may have started its clock a moment later.
                yield Interrupt(state)
            late = [overdue for overdue in self._deadlines(batch) if overdue.deadline.passed]
            if not late:
                continue
            (first, *_) = late
            if first.stack_requested is None:
                first.stack_requested = Deadline(STACK_SECONDS)
                yield RequestStacks(state)
            elif first.stack_requested.passed and not state.overdue:
                yield Kill(state, first.reason)

    def _deadlines(self, batch: BatchState) -> list[Overdue]:
        """Return the deadlines that apply to a worker at the moment."""
        of_batch, limit = batch.batch_deadline, self._limits.per_worker
        if limit is not None and limit.idle_only and _has_own_limit(batch):
            of_batch = None
        return [overdue for overdue in (batch.deadline, of_batch) if overdue is not None]

    def _check_progress(self, worker: int, batch: BatchState) -> Iterator[TestSlow]:
        """Set a deadline for a test that makes no progress; report a slow one that does."""
        progress = batch.progress
        if progress is None or not progress.check():
            return
        if progress.stalled and self._limits.per_test is not None:
            batch.progress = None
            batch.deadline = overdue_after(self._limits.per_test, progress.seconds, at_once=True)
        elif progress.slow:
            name = batch.fixture if batch.running is None else batch.running.test_id
            yield TestSlow(worker=worker, test_id=name, seconds=progress.seconds)


def _is_paused(batch: BatchState | None) -> bool:
    return batch is not None and batch.paused_since is not None


def _has_own_limit(batch: BatchState | None) -> bool:
    """Return whether a worker's test or fixture has its own limit, or explicitly none."""
    return batch is not None and (batch.deadline is not None or batch.is_unlimited)
