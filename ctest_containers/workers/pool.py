"""Gives batches to whichever worker is free, and accounts for every test whatever a worker does."""

from __future__ import annotations

import selectors
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Final, Protocol

from ctest_containers.errors import CtestError, EngineError, ServerError, WorkerError
from ctest_containers.events import (
    BatchFinished,
    ConnectionLost,
    DatabaseFlushed,
    DatabaseWanted,
    Event,
    FixtureFinished,
    FixtureStarted,
    MemoryMeasured,
    OutcomeKind,
    Phase,
    PhaseStarted,
    RunStopping,
    RunTimedOut,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
    TimePassed,
    WorkerEvent,
    WorkerFailed,
    WorkerPaused,
    WorkerReady,
    WorkerRecycled,
    WorkerResumed,
    WorkerRetired,
    WorkerStarted,
)
from ctest_containers.limits import Limits, why_run_ended
from ctest_containers.model import AnyLease
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.suite import Batch
from ctest_containers.wire import (
    DatabaseRequest,
    Message,
    Quit,
    RunBatch,
    ServerVerdict,
    UseResources,
    VerdictRequest,
)
from ctest_containers.workers.batch_progress import Slot, Work, lend
from ctest_containers.workers.crash_accounting import CrashAccounting
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.memory import MemoryWatch, unwatched
from ctest_containers.workers.process import WorkerProcess
from ctest_containers.workers.queue import WorkQueue
from ctest_containers.workers.supplier import Supplier
from ctest_containers.workers.time_limits import TimeLimits

TICK_SECONDS: Final = 0.2
"""How often the pool looks whether it is to stop, when nothing else happens."""

CLOCK_SECONDS: Final = 1.0
"""How far two clocks of one machine may differ."""

CONCLUSIONS: Final = frozenset(
    [OutcomeKind.SUCCESS, OutcomeKind.EXPECTED_FAILURE, OutcomeKind.UNEXPECTED_SUCCESS]
)
"""What unittest reports on a test when nothing of it is left to run."""

SERVER_TRIES: Final = 3
"""Servers that may fail to start for one worker, one after another."""


class Feed(Protocol):
    """Where a pool gets batches from that it does not have from the beginning."""

    @property
    def closed(self) -> bool:
        """Whether none is to come any more."""

    def fileno(self) -> int:
        """Readable when there may be some."""

    def take(self) -> Iterable[Work]:
        """Those that have come."""

    def ended(self, batch: int) -> None:
        """One of them has been run to its end."""


class WorkerPool:
    """Runs batches in worker processes.

    Args:
        start: Starts the process of a worker.
        report: Is told every event.
        stopping: Whether no further test is to begin.
        limits: How long a batch and the run may take.
        memory: Says when there are too many workers for the memory.
        expected: What batches are expected to take, in seconds, by their numbers.
        order: What is flushed in Django's order; None where batches flush nothing.
        feed: Gives more batches while others run; None where there are no more.
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
    ) -> None:
        self._slots = [Slot(number) for number in range(1, workers + 1)]
        # What is said of the fixtures of a class that was split is said once.
        said: dict[int | None, set[tuple[str, OutcomeKind]]] = defaultdict(set)
        self._queue = WorkQueue(
            Work(
                batch,
                seconds=expected.get(batch.number, 0.0),
                said=None if batch.part_of is None else said[batch.part_of],
            )
            for batch in batches
        )
        self._memory = memory if memory is not None else unwatched()
        self._supplier = supplier
        self._start = start
        self._report = report
        self._stopping = stopping
        self._time_limits = TimeLimits(limits, report)
        self._interrupted = self._begun = False
        self._cut_short = 0
        self._losses = CrashAccounting(supplier=supplier, report=report)
        self._order = order if order is not None else FlushOrder()
        self._feed = feed

    def run(self) -> None:
        """Run everything.

        Raises:
            CtestError: Workers end again and again before they run a test, or none has databases.
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
                    self._mind_memory()
                    for slot in self._slots:
                        self._assign_batch(slot)
                for slot in self._slots:
                    self._satisfy(slot)
                if not self._busy() and (self._no_more_work() or self._interrupted):
                    return
                self._wait()
                self._time_limits.enforce(self._busy())
                if self._time_limits.is_run_over(self._busy()):
                    self._time_out()
                    return
        finally:
            self._end()

    @property
    def not_run(self) -> int:
        """How many tests have not ended; those of a class whose fixture failed count as ended."""
        waiting = [*self._queue, *(slot.work for slot in self._slots if slot.work is not None)]
        return sum(len(work.left) for work in waiting) + self._cut_short

    def descriptors(self) -> tuple[int, ...]:
        """What a worker that is forked now must not keep open."""
        return tuple(slot.process.fileno() for slot in self._slots if slot.process is not None)

    def _no_more_work(self) -> bool:
        """Whether no batch waits, and none is to come."""
        return not self._queue and (self._feed is None or self._feed.closed)

    def _busy(self) -> list[Slot]:
        return [slot for slot in self._slots if slot.work is not None]

    def _assign_batch(self, slot: Slot) -> None:
        """Give a free worker the first batch whose databases it has, or can have at once.

        When what is left would not find what it finds in a serial run, on this worker or any other,
        this one is renewed.
        """
        if slot.work is not None or not slot.employable or not self._queue:
            return
        if next(self._allowed(slot), None) is None:
            others = (one for one in self._slots if one is not slot and one.employable)
            if any(next(self._allowed(other), None) for other in others):
                return
            fresh = Slot(slot.number)
            if self._keeps_rows(slot) or next(self._allowed(fresh), None) is None:
                # What is left waits for what others run.
                return
            slot = self._renew(slot)
        if slot.process is not None and self._outgrown(slot):
            slot = self._recycle(slot)
        if slot.process is None:
            slot.process = self._start(slot.number)
            slot.started = ORIGINALS.monotonic()
            self._report(WorkerStarted(worker=slot.number, pid=slot.process.pid))
        awaited: set[frozenset[str]] = set()
        is_late = False
        for work in self._allowed(slot):
            # None that comes after one that removes rows may overtake it.
            if work.batch.aliases in awaited or (is_late and work.batch.removes_rows):
                continue
            try:
                leases = self._supplier.acquire(slot.number, work.batch.aliases)
            except (ServerError, EngineError) as error:
                self._retire(slot, error)
                return
            if leases is None:
                awaited.add(work.batch.aliases)
                is_late |= work.batch.removes_rows
                continue
            slot.refused = 0
            self._queue.remove(work)
            slot.work = work
            flushed = self._order.missing(work, slot.rows)
            slot.rows.change(work)
            self._time_limits.begin_batch(slot)
            command = lend(slot, leases)
            if command.databases or command.services:
                slot.process.send(command)
            slot.process.send(
                RunBatch(
                    batch=work.batch.number,
                    skip=tuple(sorted(work.ended)),
                    full=tuple(sorted(work.full)),
                    careful=work.careful,
                    flush=self._aliases_of(flushed),
                    flush_bare=self._aliases_of(
                        database for database, bare in flushed.items() if bare
                    ),
                )
            )
            slot.flushing = frozenset(flushed)
            self._order.begun(slot.rows, work, slot.flushing, slot.leases)
            return

    def _aliases_of(self, databases: Iterable[str]) -> tuple[str, ...]:
        return tuple(alias for name in databases for alias in self._order.aliases_of(name))

    def _allowed(self, slot: Slot) -> Iterator[Work]:
        """The waiting batches that a worker may take, given Django's order and what others run."""
        fit = [other for other in self._slots if other.employable]
        running = (other.work for other in fit if other.work is not None)
        return self._queue.allowed(
            slot.rows,
            self._order,
            workers=len(fit),
            others=any(other.number != slot.number and not other.rows.flushed for other in fit),
            busy=frozenset(chain.from_iterable(work.batch.exclusive for work in running)),
            left_elsewhere={
                number: names
                for other in fit
                if other.number != slot.number
                for number, names in other.rows.left_in.items()
            },
        )

    def _keeps_rows(self, slot: Slot) -> bool:
        """Whether a batch that waits finds rows that others have left on a worker's servers."""
        return any(self._order.finds(work, slot.rows.left_in) for work in self._queue)

    def _mind_memory(self) -> None:
        """Give up the youngest worker that is idle when memory is short; take it back later."""
        watch = self._memory
        if watch.look():
            self._report(MemoryMeasured(available_bytes=watch.available_bytes or 0))
        if watch.short and self._queue:
            idle = [
                slot
                for slot in self._slots
                if slot.employable and slot.work is None and not self._keeps_rows(slot)
            ]
            for slot in sorted(idle, key=lambda slot: (slot.process is not None, -slot.started)):
                one_of_several = sum(other.employable for other in self._slots) > 1
                if one_of_several and (slot.process is None or watch.may_change()):
                    self._renew(slot).paused = True
                    self._report(
                        WorkerPaused(
                            worker=slot.number,
                            available_bytes=watch.available_bytes or 0,
                            floor_bytes=watch.floor_bytes,
                        )
                    )
        elif watch.ample:
            paused = next((slot for slot in self._slots if slot.paused), None)
            if paused is not None and watch.may_change():
                self._resume(paused)

    def _resume(self, slot: Slot) -> None:
        slot.paused = False
        available = self._memory.available_bytes or 0
        self._report(WorkerResumed(worker=slot.number, available_bytes=available))

    def _outgrown(self, slot: Slot) -> bool:
        limit = self._memory.process_limit_bytes
        return limit is not None and slot.memory_bytes > limit

    def _recycle(self, slot: Slot) -> Slot:
        """Replace a worker's process by one that is small again; its servers stay."""
        assert slot.process is not None
        slot.process.send(Quit())
        slot.process.join()
        self._report(
            WorkerRecycled(
                worker=slot.number,
                memory_bytes=slot.memory_bytes,
                limit_bytes=self._memory.process_limit_bytes or 0,
            )
        )
        fresh = self._replace(slot)
        fresh.rows = slot.rows
        return fresh

    def _renew(self, slot: Slot) -> Slot:
        """Replace a worker's process and servers, neither of which has done anything wrong."""
        if slot.process is not None:
            slot.process.send(Quit())
            slot.process.join()
        self._supplier.release(slot.number)
        return self._replace(slot)

    def _retire(self, slot: Slot, error: CtestError) -> None:
        """Try again with a new server; then go on without this worker, as long as there is one.

        Its process goes, too: with the server that is missing go those that it already uses.
        """
        slot = self._renew(slot)
        slot.refused += 1
        # The engine has been asked often enough before it is an error.
        if slot.refused < SERVER_TRIES and not isinstance(error, EngineError):
            return
        slot.retired = error
        self._report(WorkerRetired(worker=slot.number, reason=error.message))
        if not any(other.employable for other in self._slots):
            paused = next((other for other in self._slots if other.paused), None)
            if paused is None:
                raise error
            self._resume(paused)

    def _satisfy(self, slot: Slot) -> None:
        """Give a waiting worker the database that it wants, or tell it that there is none."""
        if not slot.wanted or slot.process is None:
            return
        leases: Sequence[AnyLease] | None
        try:
            leases = self._supplier.acquire(slot.number, frozenset([slot.wanted]))
        except (ServerError, EngineError):
            leases = ()
        if leases is not None:
            slot.process.send(lend(slot, leases, slot.wanted))
            if slot.work is not None:
                self._order.begun(slot.rows, slot.work, slot.flushing, [slot.wanted])
            slot.wanted = ""

    def _wait(self) -> None:
        watched = [slot for slot in self._slots if slot.process is not None]
        descriptors = [slot.process.fileno() for slot in watched if slot.process is not None]
        host = self._supplier.fileno()
        if host is not None:
            descriptors.append(host)
        if self._feed is not None and not self._feed.closed:
            descriptors.append(self._feed.fileno())
        with selectors.DefaultSelector() as selector:
            for descriptor in descriptors:
                selector.register(descriptor, selectors.EVENT_READ)
            readable = {key.fd for key, _ in selector.select(TICK_SECONDS)}
        if not readable:
            self._report(TimePassed())
        self._supplier.update()
        for slot in watched:
            assert slot.process is not None
            # Asked before reading, so that what it sent last has arrived.
            alive = slot.process.alive
            if slot.process.fileno() in readable:
                for message in slot.process.receive():
                    self._on_message(slot, message)
            elif not alive:
                self._lose(slot)
                continue
            if slot.process.closed:
                self._lose(slot)

    def _on_message(self, slot: Slot, message: Message) -> None:
        match message:
            case DatabaseRequest(alias=alias):
                slot.wanted = alias
                self._report(DatabaseWanted(worker=slot.number, alias=alias))
            case VerdictRequest():
                self._report(ConnectionLost(worker=slot.number))
                lost = bool(self._supplier.explain(slot.number, wait_seconds=0.0))
                if slot.process is not None:
                    slot.process.send(ServerVerdict(lost=lost))
            case UseResources() | RunBatch() | Quit() | ServerVerdict():
                raise WorkerError(f"Worker {slot.number} sent a command to its parent.")
            case _:
                self._on_event(slot, message)

    def _on_event(self, slot: Slot, message: WorkerEvent) -> None:
        match message:
            case TestStarted(limit_seconds=seconds, idle_only=idle_only):
                if not self._begun:
                    self._begun = True
                    self._report(PhaseStarted(phase=Phase.TESTS))
                slot.running, slot.concluded = message, False
                slot.begun = ORIGINALS.monotonic()
                self._time_limits.begin(slot, seconds, idle_only=idle_only)
            case FixtureStarted(fixture=fixture, limit_seconds=seconds, idle_only=idle_only):
                slot.fixture = fixture
                self._time_limits.begin(slot, seconds, idle_only=idle_only)
            case FixtureFinished():
                slot.fixture = ""
                self._time_limits.end(slot)
            case TestFinished(index=index, seconds=seconds):
                now = ORIGINALS.monotonic()
                if not 0 <= seconds <= now - slot.started + CLOCK_SECONDS:
                    # No test takes longer than its process has existed.
                    message = replace(message, seconds=now - slot.begun)
                slot.last = slot.running.test_id if slot.running is not None else slot.last
                slot.running = None
                self._time_limits.end_test(slot)
                if slot.work is not None:
                    slot.work.ended.add(index)
            case TestRetried(index=index):
                if slot.work is not None:
                    slot.work.full.add(index)
            case TestOutcome(index=None, test_id=test_id, kind=kind):
                slot.fixtures.add((test_id, kind))
                if slot.work is not None and not slot.work.is_news(test_id, kind):
                    return
            case TestOutcome(index=int(index), kind=kind):
                slot.concluded = kind in CONCLUSIONS
                # Django reports an error before a test starts, and then does not start it.
                if slot.running is None and slot.work is not None:
                    slot.work.ended.add(index)
            case BatchFinished(memory_bytes=count, stopped=stopped):
                slot.memory_bytes = count or slot.memory_bytes
                # At a terminal, a worker may hear of Ctrl-C before its parent does.
                if (self._interrupted or stopped) and slot.work is not None:
                    self._cut_short += len(slot.work.left)
                slot.last = ""
                slot.batch_deadline = None
                slot.fixtures.clear()
                if slot.work is not None:
                    self._ended(slot.work)
                slot.work = None
            case DatabaseFlushed(alias=alias, bare=bare) if slot.work is not None:
                self._order.record_flush(slot.work, slot.rows, alias, bare=bare)
            case WorkerReady():
                slot.ready = True
                self._losses.unready = 0
            case WorkerFailed(text=text, ends_run=True):
                self._report(message)
                raise WorkerError(
                    text,
                    "Mend the function, or leave it out of --worker-setup or of the setting "
                    "WORKER_SETUP.",
                )
            case WorkerFailed(text=text, database_lost=gone):
                slot.failure, slot.database_lost = text, gone
            case _:
                pass
        self._report(message)

    def _lose(self, slot: Slot) -> None:
        """A worker has ended: account for its test, and let another worker go on with the rest."""
        before = slot.work
        work = self._losses.account(slot)
        self._replace(slot)
        if work is not None:
            self._queue.put_back(work)
        elif before is not None:
            self._ended(before)

    def _ended(self, work: Work) -> None:
        self._order.record_end(work)
        if self._feed is not None:
            self._feed.ended(work.batch.number)

    def _replace(self, slot: Slot) -> Slot:
        """Give a worker's number to a process that is still to come."""
        fresh = Slot(slot.number, refused=slot.refused, retired=slot.retired, paused=slot.paused)
        self._slots[slot.number - 1] = fresh
        return fresh

    def _time_out(self) -> None:
        """Account for every test that has not ended when the run's time is up."""
        limit = self._time_limits.whole_run
        assert limit is not None
        self._report(RunTimedOut(limit_seconds=limit.seconds, idle_only=limit.idle_only))
        why = why_run_ended(limit)
        for slot in self._busy():
            if slot.process is not None:
                slot.process.kill()
            self._losses.end_if_concluded(slot)
            work, running = slot.work, slot.running
            slot.work = None
            assert work is not None
            if running is not None:
                self._losses.fail(slot.number, running.index, running.test_id, f"Ended: {why}.")
                work.ended.add(running.index)
            self._losses.not_run(slot.number, work, why)
        for work in self._queue:
            self._losses.not_run(0, work, why)
        self._queue.clear()

    def _interrupt(self) -> None:
        if not self._interrupted:
            self._interrupted = True
            running = [slot.running.test_id for slot in self._busy() if slot.running is not None]
            if running:
                self._report(RunStopping(tests=tuple(running)))
            for slot in self._busy():
                if slot.process is not None:
                    slot.process.interrupt()

    def _end(self) -> None:
        for slot in self._slots:
            if slot.process is not None:
                if slot.work is None:
                    slot.process.send(Quit())
                else:
                    slot.process.kill()
        for slot in self._slots:
            if slot.process is not None:
                slot.process.join()
                slot.process = None
