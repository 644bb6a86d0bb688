"""Assigns batches to free workers, and accounts for every test even if workers end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ctest_containers.events import (
    Event,
    MemoryMeasured,
    Phase,
    PhaseStarted,
    RunStopping,
    RunTimedOut,
    TestSlow,
    TestStarted,
    TimePassed,
    WorkerReady,
)
from ctest_containers.limits import Limits, why_run_ended
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.suite import Batch
from ctest_containers.wire import Message, ServerVerdict
from ctest_containers.workers.answers import Answers
from ctest_containers.workers.assigner import Assigner
from ctest_containers.workers.batch_choice import BatchChoice
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.crash_accounting import CrashAccounting
from ctest_containers.workers.feed import Feed
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.memory import MemoryWatch, Pause, Resume, unwatched
from ctest_containers.workers.process import WorkerProcess, await_readable
from ctest_containers.workers.queue import queue_of
from ctest_containers.workers.reducer import (
    CheckServers,
    EndBatch,
    LendTerminal,
    Report,
    reduce_message,
)
from ctest_containers.workers.reruns import Reruns
from ctest_containers.workers.roster import Roster
from ctest_containers.workers.rounds import Rounds, RoundSource
from ctest_containers.workers.supplier import Supplier
from ctest_containers.workers.terminal_loans import TerminalLoans
from ctest_containers.workers.time_limits import TimeLimits, carry_out
from ctest_containers.workers.worker_state import ProcessState, WorkerState


class WorkerPool:
    """Runs batches in worker processes.

    `reduce_message` decides what a message means, `Assigner` which batch a worker runs next,
    `TimeLimits` and `MemoryWatch` what takes too long or too much memory.

    Args:
        start: Starts the process of a worker.
        report: Called with every event.
        stopping: Returns whether no further test may start.
        limits: How long a batch and the run may take.
        memory: Decides whether there are too many workers for the memory.
        expected: How long batches are expected to take, in seconds, by their numbers.
        order: Tracks flushes in Django's order; None if batches flush nothing.
        feed: Provides more batches while others run; None if there are none.
        rounds: Provides all batches of a stress run, round by round; None in other runs.
        reruns: How often a failed test is run again at most.
    """

    def __init__(
        self,
        *,
        workers: int,
        batches: Sequence[Batch],
        supplier: Supplier,
        start: Callable[[int], WorkerProcess],
        report: Callable[[Event], None],
        stopping: Callable[[], bool],
        limits: Limits,
        memory: MemoryWatch | None = None,
        expected: Mapping[int, float] = MappingProxyType({}),
        order: FlushOrder | None = None,
        feed: Feed | None = None,
        rounds: RoundSource | None = None,
        reruns: int = 0,
    ) -> None:
        self._roster = Roster(workers, supplier=supplier, start=start, report=report)
        self._queue = queue_of(batches, expected)
        only = BatchChoice(self._queue, order or FlushOrder())
        self._rounds = Rounds(only, rounds, workers)
        self._memory = memory or unwatched()
        self._supplier = supplier
        self._report = report
        self._stopping = stopping
        self._time_limits = TimeLimits(limits)
        self._terminal = TerminalLoans(self._time_limits, report)
        self._interrupted = self._begun = False
        self._cut_short = 0
        self._crashes = CrashAccounting(supplier=supplier, report=report)
        self._answers = Answers(supplier, self._rounds, self._time_limits)
        self._feed = feed
        self._reruns = Reruns(1 + reruns, report)
        self._assigner = Assigner(
            roster=self._roster,
            rounds=self._rounds,
            reruns=self._reruns,
            memory=self._memory,
            supplier=supplier,
            time_limits=self._time_limits,
        )

    def run(self) -> None:
        """Run everything.

        Raises:
            CtestError: Too many workers end before they run a test, or none gets databases.
        """
        try:
            self._supplier.update()
            while True:
                if self._feed is not None:
                    for work in self._feed.take():
                        self._queue.add(work)
                if self._stopping():
                    self._interrupt()
                else:
                    self._watch_memory()
                    for worker in self._roster.workers:
                        self._assigner.assign(worker)
                self._answers.answer(self._roster.workers)
                self._terminal.attend(stopping=self._interrupted)
                if not self._roster.busy() and (self._no_more_work() or self._interrupted):
                    return
                self._wait()
                self._enforce_limits()
                if self._time_limits.is_run_over(self._roster.busy()):
                    self._time_out()
                    return
        finally:
            self._roster.end()
            self._terminal.end()

    @property
    def not_run(self) -> int:
        """How many tests have not ended, apart from those whose class or module fixture failed."""
        running = (worker.work for worker in self._roster.workers if worker.work is not None)
        works = (work for work in (*self._rounds.waiting(), *running) if work.rerun is None)
        return sum(len(work.left) for work in works) + self._cut_short

    def descriptors(self) -> tuple[int, ...]:
        """Return the descriptors that a worker forked now must not keep open."""
        return tuple(state.process.fileno() for state in self._roster.states())

    def _no_more_work(self) -> bool:
        """Return whether no batch waits, and none will arrive."""
        if self._rounds.has_work or self._assigner.work_waits:
            return False
        return self._feed is None or self._feed.closed

    def _watch_memory(self) -> None:
        watch = self._memory
        if watch.measure():
            self._report(MemoryMeasured(available_bytes=watch.available_bytes or 0))
        # Each decision depends on those before it, which have been carried out by then.
        for decision in watch.decide(
            self._roster.workers,
            work_waits=self._assigner.work_waits,
            keeps_rows=self._rounds.keeps_rows,
        ):
            match decision:
                case Pause(worker):
                    self._roster.pause(worker, watch)
                case Resume(worker):
                    self._roster.resume(worker, watch.available_bytes or 0)

    def _wait(self) -> None:
        watched = [worker for worker in self._roster.workers if worker.state is not None]
        descriptors = list(self.descriptors())
        if (host := self._supplier.fileno()) is not None:
            descriptors.append(host)
        if self._feed is not None and not self._feed.closed:
            descriptors.append(self._feed.fileno())
        readable = await_readable(descriptors)
        if not readable:
            self._report(TimePassed())
        self._supplier.update()
        for worker in watched:
            assert worker.state is not None
            process = worker.state.process
            # Checked before reading: if it is dead, all that it sent has arrived.
            alive = process.alive
            if process.fileno() in readable:
                for message in process.receive():
                    self._on_message(worker, worker.state, message)
            elif not alive:
                self._lose(worker)
                continue
            if process.closed:
                self._lose(worker)

    def _on_message(self, worker: WorkerState, state: ProcessState, message: Message) -> None:
        self._time_limits.note(state, message)
        order = self._rounds.order_of(worker)
        for effect in reduce_message(worker, message, order, now=ORIGINALS.monotonic()):
            match effect:
                case Report(event):
                    if isinstance(event, TestStarted) and not self._begun:
                        self._begun = True
                        self._report(PhaseStarted(phase=Phase.TESTS))
                    elif isinstance(event, WorkerReady):
                        self._crashes.unready = 0
                    self._report(event)
                case CheckServers():
                    lost = bool(self._supplier.explain(worker.number, wait_seconds=0.0))
                    state.process.send(ServerVerdict(lost=lost))
                case LendTerminal(request):
                    self._terminal.handle(worker, state, request)
                case EndBatch(work, stopped):
                    # At a terminal, Ctrl-C may reach a worker before its parent.
                    if self._interrupted or stopped:
                        self._cut_short += 0 if work.rerun is not None else len(work.left)
                        stopped = True
                    self._ended(worker, work, stopped=stopped)

    def _lose(self, worker: WorkerState) -> None:
        """Account for the test of a worker that has ended; another worker runs the rest."""
        before = worker.work
        self._terminal.forget(worker)
        work = self._crashes.account(worker)
        worker.forget_process(servers=True)
        if work is not None and work.rerun is not None:
            self._reruns.put_back(work)
        elif work is not None:
            self._rounds.of(worker).queue.put_back(work)
        elif before is not None:
            self._ended(worker, before)

    def _ended(self, worker: WorkerState, work: Work, *, stopped: bool = False) -> None:
        if work.rerun is not None:
            if not stopped:
                self._reruns.ended(work)
            return
        if not stopped:
            self._reruns.add(work)
        self._rounds.of(worker).order.record_end(work)
        if not self._interrupted:
            self._rounds.close_ended(self._roster.busy())
        if self._feed is not None:
            self._feed.ended(work.batch.number)

    def _enforce_limits(self) -> None:
        for decision in self._time_limits.decide(self._roster.busy()):
            if isinstance(decision, TestSlow):
                self._report(decision)
            else:
                carry_out(decision)

    def _time_out(self) -> None:
        """Account for every test that has not ended when the run's time is up."""
        limit = self._time_limits.whole_run
        assert limit is not None
        self._report(RunTimedOut(limit_seconds=limit.seconds, idle_only=limit.idle_only))
        waiting = self._rounds.waiting()
        self._crashes.time_out(self._roster.workers, waiting, why_run_ended(limit))
        self._rounds.clear()

    def _interrupt(self) -> None:
        if not self._interrupted:
            self._interrupted = True
            if running := self._roster.interrupt():
                self._report(RunStopping(tests=tuple(running)))
