"""Runs sequences of tests, each in a new process with new servers, several at once."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.errors import EngineError, ServerError
from ctest_containers.events import TestOutcome, TestStarted
from ctest_containers.hunt.order import Failure, concerns, failure_of
from ctest_containers.hunt.trial import Ending, Result, Trial
from ctest_containers.limits import Limits
from ctest_containers.model import AnyLease, Lease
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.suite import Batch
from ctest_containers.supply.supply import Supply
from ctest_containers.wire import Message, RunBatch, ServerVerdict
from ctest_containers.workers.batch_progress import Work, cause_of
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.process import WorkerProcess
from ctest_containers.workers.reducer import CheckServers, EndBatch, Report, reduce_message
from ctest_containers.workers.time_limits import Interrupt, Kill, RequestStacks, TimeLimits
from ctest_containers.workers.worker_state import BatchState, ProcessState, WorkerState, lend

TICK_SECONDS: Final = 0.2
"""How long to wait for messages before limits are checked."""

SERVER_TRIES: Final = 3
"""How many servers in a row may fail to start for a trial."""

LOST: Final = "ctest_containers.WorkerLost"
"""The type of the error that a run reports for a test whose worker ended."""


@dataclass(slots=True)
class _Running:
    """A trial that runs.

    Attributes:
        position: The trial's position among those that were given together.
        worker: The worker that runs it, by the number of its servers.
        waiting: Its batches that have not begun.
        last: The test that began last.
        reached: Whether its target has begun.
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


class TrialPool:
    """Runs trials on several workers.

    Each worker has two numbers, which it uses in turn: the servers of the next trial start while
    the current one runs.

    Args:
        start: Starts the process of a worker with these batches; the last argument has the
            descriptors that it must not keep open.
        tick: Called several times a second while trials run.

    Attributes:
        count: How many trials have been started.
    """

    def __init__(
        self,
        *,
        workers: int,
        supply: Supply,
        start: Callable[[int, Sequence[Batch], tuple[int, ...]], WorkerProcess],
        limits: Limits,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self.workers = workers
        self.count = 0
        self._supply = supply
        self._start = start
        self._limits = replace(limits, whole_run=None)
        self._tick = tick
        self._free = list(range(1, workers + 1))
        self._running: list[_Running] = []
        self._order = FlushOrder()

    def run(self, trials: Sequence[Trial]) -> Generator[tuple[int, Result]]:
        """Run trials, and yield the position and the result of each as soon as it ends.

        If the caller stops iterating, the other trials are stopped.

        Raises:
            CtestError: Servers do not start, or the project's `worker_setup` fails.
        """
        waiting = list(enumerate(trials))
        try:
            while waiting or self._running:
                while waiting and self._free:
                    self._begin(*waiting.pop(0))
                yield from self._step()
        finally:
            for running in list(self._running):
                self._end(running)

    def _begin(self, position: int, trial: Trial) -> None:
        number = self._free.pop(0)
        self.count += 1
        worker = WorkerState(number)
        descriptors = tuple(state.process.fileno() for state in self._states())
        process = self._start(number, trial.batches, descriptors)
        worker.state = ProcessState(process, started=ORIGINALS.monotonic())
        self._running.append(
            _Running(
                position=position,
                trial=trial,
                worker=worker,
                time_limits=TimeLimits(self._limits),
                began=ORIGINALS.monotonic(),
                deadline=Deadline(trial.limit_seconds),
                waiting=list(trial.batches),
            )
        )

    def _states(self) -> Iterator[ProcessState]:
        for running in self._running:
            if running.worker.state is not None:
                yield running.worker.state

    def _step(self) -> Iterator[tuple[int, Result]]:
        """Do what is due, wait for messages, and yield the trials that have ended."""
        for running in self._running:
            self._go_on(running)
        self._wait()
        self._tick()
        for running in list(self._running):
            result = self._result(running)
            if result is not None:
                begun = len(running.trial.batches) - len(running.waiting)
                result = replace(result, batch=max(0, begun - 1))
                self._compare(running)
                self._end(running)
                yield running.position, result

    def _go_on(self, running: _Running) -> None:
        """Start the next batch of a trial, as soon as its servers are up."""
        worker, state = running.worker, running.worker.state
        assert state is not None
        if state.requested_alias:
            leases = self._acquire(running, frozenset([state.requested_alias]))
            if leases is not None:
                state.process.send(lend(state, leases, state.requested_alias))
                state.requested_alias = ""
        if state.batch is not None or not running.waiting:
            return
        leases = self._acquire(running, running.trial.aliases)
        if leases is None:
            return
        if len(running.waiting) == len(running.trial.batches):
            # Only now does its time begin; the next trial's servers start meanwhile.
            running.deadline = Deadline(running.trial.limit_seconds)
            self._supply.acquire(self._other(worker.number), running.trial.aliases)
        batch = running.waiting.pop(0)
        state.batch = BatchState(Work(batch))
        running.time_limits.begin_batch(state.batch)
        resources = lend(state, leases)
        if resources.databases or resources.services:
            state.process.send(resources)
        state.process.send(RunBatch(batch=batch.number))

    def _acquire(self, running: _Running, needs: frozenset[str]) -> Sequence[AnyLease] | None:
        try:
            return self._supply.acquire(running.worker.number, needs)
        except (ServerError, EngineError) as error:
            running.failed_servers += 1
            if running.failed_servers >= SERVER_TRIES or isinstance(error, EngineError):
                raise
            self._supply.release(running.worker.number)
            return None

    def _other(self, number: int) -> int:
        """Return the other number of a worker."""
        return number + self.workers if number <= self.workers else number - self.workers

    def _wait(self) -> None:
        descriptors = {state.process.fileno() for state in self._states()}
        if (host := self._supply.fileno()) is not None:
            descriptors.add(host)
        with selectors.DefaultSelector() as selector:
            for descriptor in descriptors:
                selector.register(descriptor, selectors.EVENT_READ)
            readable = {key.fd for key, _ in selector.select(TICK_SECONDS)}
        self._supply.update()
        for running in self._running:
            assert running.worker.state is not None
            process = running.worker.state.process
            alive = process.alive
            if process.fileno() in readable:
                for message in process.receive():
                    self._receive(running, message)
            elif not alive:
                process.closed = True

    def _receive(self, running: _Running, message: Message) -> None:
        state = running.worker.state
        assert state is not None
        running.time_limits.note(state, message)
        now = ORIGINALS.monotonic()
        for effect in reduce_message(running.worker, message, self._order, now=now):
            match effect:
                case Report(TestStarted(test_id=test_id)):
                    running.last = test_id
                    if test_id == running.trial.target:
                        running.reached, running.passed = True, False
                case Report(TestOutcome() as outcome):
                    self._note_outcome(running, outcome)
                case CheckServers():
                    lost = bool(self._supply.explain(running.worker.number, wait_seconds=0.0))
                    state.process.send(ServerVerdict(lost=lost))
                case Report() | EndBatch():
                    pass

    def _note_outcome(self, running: _Running, outcome: TestOutcome) -> None:
        if not concerns(outcome, running.trial.target):
            return
        failure = failure_of(outcome)
        if failure is None:
            running.passed |= outcome.index is not None
        elif running.failure is None:
            running.failure = failure
            running.text = "" if outcome.problem is None else outcome.problem.text

    def _result(self, running: _Running) -> Result | None:
        """Return the result of a trial; None while it runs."""
        state = running.worker.state
        assert state is not None
        seconds = ORIGINALS.monotonic() - running.began
        if running.failure is not None and (state.batch is None or state.process.closed):
            return Result(
                ending=Ending.FAILED, failure=running.failure, seconds=seconds, text=running.text
            )
        if state.process.closed:
            code = state.process.join()
            cause = state.overdue or f"its process ended with {cause_of(code, for_memory=False)}"
            if running.reached and not running.passed:
                failure = Failure(type_name=LOST, message=cause)
                return Result(ending=Ending.FAILED, failure=failure, seconds=seconds, text=cause)
            if not running.passed:
                cause = "\n".join(filter(None, [cause, state.failure]))
                return Result(
                    ending=Ending.NOT_REACHED,
                    cause=cause,
                    ended_by=running.last,
                    seconds=seconds,
                )
        elif state.batch is not None or running.waiting:
            if running.deadline.passed:
                cause = f"the trial took longer than {running.trial.limit_seconds:.0f} s"
                return Result(ending=Ending.NOT_REACHED, cause=cause, seconds=seconds)
            self._enforce_limits(running)
            return None
        return Result(ending=Ending.PASSED, seconds=seconds)

    def _compare(self, running: _Running) -> None:
        """Let a trial that has run to its end be compared with the servers of the next one."""
        state, compare = running.worker.state, running.trial.at_end
        if compare is None or state is None or running.waiting or state.batch is not None:
            return
        number = self._other(running.worker.number)
        leases = self._supply.await_leases(number, frozenset(state.leases))
        compare([lease for lease in leases if isinstance(lease, Lease)], state.leases.values())
        self._supply.release(number)

    def _enforce_limits(self, running: _Running) -> None:
        busy = [running.worker] if running.worker.batch is not None else []
        for decision in running.time_limits.decide(busy):
            match decision:
                case Interrupt(state):
                    state.process.interrupt_test()
                case RequestStacks(state):
                    state.process.request_stacks()
                case Kill(state, reason):
                    state.overdue = f"{reason} Its stacks:\n{state.process.stacks()}"
                    state.process.kill()
                case _:
                    pass

    def _end(self, running: _Running) -> None:
        """End the process of a trial, and remove its servers."""
        self._running.remove(running)
        state, number = running.worker.state, running.worker.number
        if state is not None:
            state.process.kill()
            state.process.join()
        self._supply.release(number)
        self._free.append(self._other(number))
