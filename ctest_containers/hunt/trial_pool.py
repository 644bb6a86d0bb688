"""Runs sequences of tests, each in a new process with new servers, several at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from ctest_containers.clock import Deadline
from ctest_containers.errors import EngineError, ServerError
from ctest_containers.events import TestOutcome, TestStarted
from ctest_containers.hunt.running_trial import RunningTrial
from ctest_containers.hunt.trial import Result, Trial
from ctest_containers.limits import Limits
from ctest_containers.model import AnyLease, Lease
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.suite import Batch
from ctest_containers.supply.supply import Supply
from ctest_containers.wire import Message, ServerVerdict
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.process import WorkerProcess, await_readable
from ctest_containers.workers.reducer import CheckServers, EndBatch, Report, reduce_message
from ctest_containers.workers.roster import SERVER_TRIES
from ctest_containers.workers.time_limits import TimeLimits
from ctest_containers.workers.worker_state import ProcessState, WorkerState, begin, lend


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
        self._running: list[RunningTrial] = []
        self._waiting: list[tuple[int, Trial]] = []
        # How many trials will follow those of this run, and the numbers whose servers were started
        # for them or for waiting trials.
        self._following = 0
        self._ahead: set[int] = set()
        self._order = FlushOrder()

    def run(self, trials: Sequence[Trial], *, following: int) -> Generator[tuple[int, Result]]:
        """Run trials, and yield the position and the result of each as soon as it ends.

        If the caller stops iterating, the other trials are stopped.

        Args:
            following: For how many later trials to start servers meanwhile.

        Raises:
            CtestError: Servers do not start, or the project's `worker_setup` fails.
        """
        self._waiting, self._following = list(enumerate(trials)), following
        try:
            while self._waiting or self._running:
                while self._waiting and self._free:
                    self._begin(*self._waiting.pop(0))
                yield from self._step()
        finally:
            for running in list(self._running):
                self._end(running)

    def _begin(self, position: int, trial: Trial) -> None:
        number = self._ready()
        self._free.remove(number)
        self._ahead.discard(number)
        self.count += 1
        worker = WorkerState(number)
        descriptors = tuple(state.process.fileno() for state in self._states())
        process = self._start(number, trial.batches, descriptors)
        worker.state = ProcessState(process, started=ORIGINALS.monotonic())
        self._running.append(
            RunningTrial(
                position=position,
                trial=trial,
                worker=worker,
                time_limits=TimeLimits(self._limits),
                began=ORIGINALS.monotonic(),
                deadline=Deadline(trial.limit_seconds),
                waiting=list(trial.batches),
            )
        )

    def _ready(self) -> int:
        """Return a free number, if possible one whose servers have been started."""
        return next((number for number in self._free if number in self._ahead), self._free[0])

    def _states(self) -> Iterator[ProcessState]:
        return (running.state for running in self._running)

    def _step(self) -> Iterator[tuple[int, Result]]:
        """Do what is due, wait for messages, and yield the trials that have ended."""
        for running in self._running:
            self._go_on(running)
        self._wait()
        self._tick()
        for running in list(self._running):
            result = running.result()
            if result is None:
                running.enforce_limits()
            else:
                self._compare(running)
                self._end(running)
                yield running.position, result

    def _go_on(self, running: RunningTrial) -> None:
        """Start the next batch of a trial, as soon as its servers are up."""
        worker, state = running.worker, running.state
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
            self._start_ahead(self._other(worker.number), running.trial)
        begin(state, running.begin_batch(), leases)

    def _start_ahead(self, number: int, trial: Trial) -> None:
        """Start the servers of a later trial, or those to compare with, if there are too few."""
        wanted = len(self._waiting) + self._following + (trial.at_end is not None)
        if len(self._ahead) < wanted:
            self._ahead.add(number)
            self._supply.acquire(number, trial.aliases)

    def _acquire(self, running: RunningTrial, needs: frozenset[str]) -> Sequence[AnyLease] | None:
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
        readable = await_readable(descriptors)
        self._supply.update()
        for running in self._running:
            process = running.state.process
            alive = process.alive
            if process.fileno() in readable:
                for message in process.receive():
                    self._receive(running, message)
            elif not alive:
                process.closed = True

    def _receive(self, running: RunningTrial, message: Message) -> None:
        state = running.state
        running.time_limits.note(state, message)
        now = ORIGINALS.monotonic()
        for effect in reduce_message(running.worker, message, self._order, now=now):
            match effect:
                case Report(TestStarted(test_id=test_id)):
                    running.note_start(test_id)
                case Report(TestOutcome() as outcome):
                    running.note_outcome(outcome)
                case CheckServers():
                    lost = bool(self._supply.explain(running.worker.number, wait_seconds=0.0))
                    state.process.send(ServerVerdict(lost=lost))
                case Report() | EndBatch():
                    pass

    def _compare(self, running: RunningTrial) -> None:
        """Let a trial that has run to its end be compared with servers that no test has used."""
        state, compare = running.worker.state, running.trial.at_end
        if compare is None or state is None or running.waiting or state.batch is not None:
            return
        other = self._other(running.worker.number)
        number = next((ready for ready in (other, *self._free) if ready in self._ahead), other)
        leases = self._supply.await_leases(number, frozenset(state.leases))
        compare([lease for lease in leases if isinstance(lease, Lease)], state.leases.values())
        self._ahead.discard(number)
        self._supply.release(number)

    def _end(self, running: RunningTrial) -> None:
        """End the process of a trial, and remove its servers."""
        self._running.remove(running)
        state, number = running.worker.state, running.worker.number
        if state is not None:
            state.process.kill()
            state.process.join()
        self._supply.release(number)
        self._free.append(self._other(number))
