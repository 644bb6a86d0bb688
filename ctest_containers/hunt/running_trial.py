"""A trial of a hunt while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.events import TestOutcome, TestSlow
from ctest_containers.hunt.order import Failure, concerns, failure_of
from ctest_containers.hunt.trial import Ending, Result, Trial
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.suite import Batch
from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_progress import Work, cause_of
from ctest_containers.workers.time_limits import TimeLimits, carry_out
from ctest_containers.workers.worker_state import BatchState, ProcessState, WorkerState

LOST: Final = "ctest_containers.WorkerLost"
"""The type of the error that a run reports for a test whose worker ended."""


@dataclass(slots=True)
class RunningTrial:
    """A trial that runs.

    Attributes:
        position: The trial's position among those that were given together.
        worker: The worker that runs it, by the number of its servers.
        waiting: Its batches that have not begun.
        last: The test that began last.
        reached: Whether its target has begun.
        failure: How its target failed first; None if it has not failed.
        text: The report on this failure as unittest prints it.
        passed: Whether its target has passed since it began last.
        failed_servers: How many servers have failed to start for it.
    """

    position: int
    trial: Trial
    worker: WorkerState
    time_limits: TimeLimits
    began: float
    deadline: Deadline
    waiting: list[Batch]
    last: str = ""
    reached: bool = False
    failure: Failure | None = None
    text: str = ""
    passed: bool = False
    failed_servers: int = 0

    @property
    def state(self) -> ProcessState:
        """The process of its worker."""
        assert self.worker.state is not None
        return self.worker.state

    def begin_batch(self) -> RunBatch:
        """Begin the next batch, and return the command that starts it."""
        batch = self.waiting.pop(0)
        self.state.batch = BatchState(Work(batch))
        self.time_limits.begin_batch(self.state.batch)
        return RunBatch(batch=batch.number)

    def note_start(self, test_id: str) -> None:
        """Note that a test begins."""
        self.last = test_id
        if test_id == self.trial.target:
            self.reached, self.passed = True, False

    def note_outcome(self, outcome: TestOutcome) -> None:
        """Note an outcome of a test or a fixture, if it concerns the target."""
        if not concerns(outcome, self.trial.target):
            return
        failure = failure_of(outcome)
        if failure is None:
            self.passed |= outcome.index is not None
        elif self.failure is None:
            self.failure = failure
            self.text = "" if outcome.problem is None else outcome.problem.text

    def enforce_limits(self) -> None:
        """Interrupt a test that takes too long, and kill its process if that fails."""
        busy = [self.worker] if self.worker.batch is not None else []
        for decision in self.time_limits.decide(busy):
            # That a test is slow is no news in a hunt.
            if not isinstance(decision, TestSlow):
                carry_out(decision)

    def result(self) -> Result | None:
        """Return its result; None while it runs."""
        state = self.state
        if self.failure is not None and (state.batch is None or state.process.closed):
            return self._ended(Ending.FAILED, failure=self.failure, text=self.text)
        if state.process.closed:
            code = state.process.join()
            cause = state.overdue or f"its process ended with {cause_of(code, for_memory=False)}"
            if self.reached and not self.passed:
                failure = Failure(type_name=LOST, message=cause)
                return self._ended(Ending.FAILED, failure=failure, text=cause)
            if not self.passed:
                cause = "\n".join(filter(None, [cause, state.failure]))
                return self._ended(Ending.NOT_REACHED, cause=cause, ended_by=self.last)
        elif state.batch is not None or self.waiting:
            if self.deadline.passed:
                cause = f"the trial took longer than {self.trial.limit_seconds:.0f} s"
                return self._ended(Ending.NOT_REACHED, cause=cause)
            return None
        return self._ended(Ending.PASSED)

    def _ended(
        self,
        ending: Ending,
        *,
        failure: Failure | None = None,
        text: str = "",
        cause: str = "",
        ended_by: str = "",
    ) -> Result:
        begun = len(self.trial.batches) - len(self.waiting)
        return Result(
            ending=ending,
            failure=failure,
            cause=cause,
            ended_by=ended_by,
            batch=max(0, begun - 1),
            seconds=ORIGINALS.monotonic() - self.began,
            text=text,
        )
