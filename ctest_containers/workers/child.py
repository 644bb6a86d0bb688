"""The code of a worker process, which never contacts the container engine."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import sys
import traceback
import unittest
import weakref
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ctest_containers.capacity.memory import private_bytes
from ctest_containers.events import (
    BatchFinished,
    UsageUnrecorded,
    WorkerFailed,
    WorkerReady,
)
from ctest_containers.originals import ORIGINALS
from ctest_containers.project import connections, isolation, line_coverage
from ctest_containers.project.guard import guarded
from ctest_containers.project.suite import Batch
from ctest_containers.reset import Flushes
from ctest_containers.wire import (
    Quit,
    RunBatch,
    UseResources,
)
from ctest_containers.workers.alarm import (
    alarm,
    clock,
    interrupt_on_signal,
    write_stacks_on_signal,
)
from ctest_containers.workers.assignment import Assignment
from ctest_containers.workers.channel import Channel
from ctest_containers.workers.debugger import Debugger
from ctest_containers.workers.failure_moments import AtFailure, noticed
from ctest_containers.workers.keeping import DatabaseKeeper
from ctest_containers.workers.leak_watch import LeakWatch
from ctest_containers.workers.lent_databases import DatabaseLost, LentDatabases
from ctest_containers.workers.recorder import RecordingResult
from ctest_containers.workers.suite import TimedSuite
from ctest_containers.workers.terminal import Terminal

if TYPE_CHECKING:
    from ctest_containers.usage.collector import Collector

MEMORY_SECONDS: Final = 1.0
"""How often a worker measures its memory; the kernel takes a while to answer."""


class CommandLoop:
    """Carries out the commands of the parent."""

    def __init__(self, assignment: Assignment, channel: Channel) -> None:
        self._assignment = assignment
        self._channel = channel
        leaks = assignment.worker_config.leaks
        self._watch = LeakWatch(assignment.worker, leaks, channel.send) if leaks != "off" else None
        self._databases = LentDatabases(assignment, channel, self._watch)
        self._result: unittest.TestResult | None = None
        self._stopping = False
        self._worker_setup = assignment.worker_config.worker_setup
        self._memory_measured = -MEMORY_SECONDS
        self._keeper = DatabaseKeeper(self._databases, channel, assignment.own.folder)
        self._at_failure: list[AtFailure] = []
        self._usage: Collector | None = None
        config = assignment.worker_config
        self._debugger = Debugger(
            Terminal(channel, self._databases.use) if config.terminal else None,
            failfast=config.failfast,
        )

    def work(self) -> None:
        """Carry out commands until one is to quit, or until the parent is gone."""
        assignment = self._assignment
        # At a terminal, Ctrl-C reaches every process: finish the running test.
        signal.signal(signal.SIGINT, self._stop)
        if assignment.worker_config.record:
            self._record()
        assignment.setup.load()
        for alias, facts in assignment.facts.items():
            connections.remember(alias, facts)
        write_stacks_on_signal(assignment.stack_file)
        interrupt_on_signal()
        self._isolate()
        flushes = Flushes(
            assignment.worker_config.reset,
            assignment.worker,
            self._channel.send,
            self._databases.note_flush,
            self._databases.note_flushed,
        )
        with guarded(self._databases.lend), flushes.installed(), self._debugger.installed():
            sent: Sequence[Batch] = (
                pickle.loads(assignment.batches)  # noqa: S301  # our own parent made it
                if isinstance(assignment.batches, bytes)
                else assignment.batches
            )
            batches = {batch.number: batch for batch in sent}
            if assignment.worker_config.debug_sql:
                connections.log_queries()
            if assignment.worker_config.keep_failed:
                self._at_failure.append(self._keeper)
            if assignment.worker_config.pdb:
                # What is typed there must not change the databases that are kept.
                self._at_failure.append(self._debugger.post_mortem)
            self._channel.send(WorkerReady(worker=assignment.worker))
            while (message := self._channel.next_message()) is not None:
                match message:
                    case UseResources():
                        self._databases.use(message)
                    case RunBatch(batch=number):
                        self._set_up()
                        self._databases.begin_batch(message)
                        self._run(batches[number], message)
                    case Quit():
                        return

    def _record(self) -> None:
        """Start recording what tests use, before a spawned worker loads the project."""
        # Most runs do not need what it imports.
        from ctest_containers.usage.collector import Collector
        from ctest_containers.usage.hooks import UnavailableError

        assignment = self._assignment
        usage = Collector(
            worker=assignment.worker,
            own=str(assignment.own.folder.parents[1]),
            # What a test has used is sent when the next one starts, or when the batch ends.
            send=self._channel.queue,
            cached=assignment.cached,
        )
        try:
            usage.start()
        except UnavailableError as error:
            event = UsageUnrecorded(worker=assignment.worker, reason=str(error))
            self._channel.send(event)
        else:
            self._usage = usage

    def _isolate(self) -> None:
        """Detach this process from what other workers use, before the first test begins."""
        assignment = self._assignment
        own = assignment.own
        own.folder.mkdir(parents=True)
        # The worker's previous process is dead, and nobody needs its files.
        for folder in own.folder.parent.iterdir():
            if folder != own.folder:
                shutil.rmtree(folder, ignore_errors=True)
        if not assignment.setup.spawned:
            isolation.close_inherited_caches()
        if assignment.worker_config.separate:
            isolation.separate(own, temporary_files=True)

    def _set_up(self) -> None:
        """Call the project's `worker_setup` once; it may use databases as tests do."""
        path, self._worker_setup = self._worker_setup, ""
        if path:
            with alarm(self._assignment.worker_config.limit):
                isolation.set_up(path, self._assignment.own)
            if self._watch is not None:
                self._watch.rebase()

    def _run(self, batch: Batch, command: RunBatch) -> None:
        assignment = self._assignment
        skip = frozenset(command.skip)
        pairs = [
            (index, test)
            for index, test in zip(batch.indices, batch.tests, strict=True)
            if index not in skip
        ]
        result = RecordingResult(
            send=self._channel.send,
            worker=assignment.worker,
            indices={id(test): index for index, test in pairs},
            folder=assignment.worker_config.folder,
            limit=assignment.worker_config.limit,
            check=self._databases.check_servers,
            tidy=self._databases.tidy_after_timeout,
            debug_sql=assignment.worker_config.debug_sql,
            adaptive=assignment.worker_config.adaptive,
            full=command.full,
            careful=command.careful,
            at_failure=self._at_failure,
            at_end=self._debugger.end_test,
        )
        result.failfast = assignment.worker_config.failfast
        result.buffer = assignment.worker_config.buffer
        self._result = result
        if self._stopping:
            result.stop()
        suite = TimedSuite(
            (test for _, test in pairs),
            worker=assignment.worker,
            limit=assignment.worker_config.limit,
            send=self._channel.send,
            take_retry=result.take_retry,
            at_end=self._debugger.end_test,
            watch=self._watch,
            usage=self._usage,
            has_ended=result.has_ended,
        )
        # Only the suite refers to the tests from here on, so each can be freed when it has ended.
        tests = [weakref.ref(test) for _, test in pairs]
        pairs.clear()
        batch.tests.clear()
        started = clock()
        try:
            with noticed(result) if self._at_failure else nullcontext():
                suite.run(result)
        finally:
            self._result = None
            result.close()
            self._keeper.forget()
            # Free what the tests refer to, as in a serial run. The tests themselves stay: a fork
            # has copied the parent's references to them.
            for test in tests:
                with suppress(TypeError):
                    vars(test()).clear()
        seconds = clock() - started
        self._channel.send(
            BatchFinished(
                worker=assignment.worker,
                batch=batch.number,
                seconds=seconds,
                memory_bytes=self._memory_bytes(),
                stopped=self._stopping,
            )
        )

    def _memory_bytes(self) -> int:
        """Return the memory of this process in bytes; 0 if it was measured just now."""
        if ORIGINALS.monotonic() - self._memory_measured < MEMORY_SECONDS:
            return 0
        self._memory_measured = ORIGINALS.monotonic()
        return private_bytes() or 0

    def _stop(self, *_: Any) -> None:
        if self._debugger.has_terminal:
            # It was pressed for a debugger in another thread of the test.
            return
        self._stopping = True
        if self._result is not None:
            self._result.stop()


def _print_into(file: Path) -> None:
    """Append everything that this process and its children print to a file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def main(assignment: Assignment, channel: socket.socket) -> None:
    """Run as a worker until the parent ends it or is gone."""
    for descriptor in assignment.close:
        with suppress(OSError):
            os.close(descriptor)
    if assignment.output is not None:
        _print_into(assignment.output)
    # A test may change Python's class of sockets, but not the C class that it is derived from.
    raw = ORIGINALS.socket(fileno=channel.detach())
    # Settings may give all sockets a timeout.
    raw.settimeout(None)
    to_parent, number = Channel(raw), assignment.worker
    coverage, own = assignment.line_coverage, assignment.own
    measuring = None
    try:
        if coverage is not None:
            measuring = line_coverage.begin(coverage, f"w{own.number}-{own.process}")
        CommandLoop(assignment, to_parent).work()
    except (BrokenPipeError, ConnectionResetError):
        # The parent is gone, and with it any use of an error report.
        os._exit(1)
    except DatabaseLost as lost:
        with suppress(OSError):
            to_parent.send(WorkerFailed(worker=number, text=str(lost), database_lost=True))
        sys.exit(1)
    except isolation.SetupFailure as failure:
        with suppress(OSError):
            to_parent.send(WorkerFailed(worker=number, text=str(failure), ends_run=True))
        sys.exit(1)
    except BaseException:  # noqa: BLE001  # The parent reports whatever it was.
        with suppress(OSError):
            to_parent.send(WorkerFailed(worker=number, text=traceback.format_exc()))
        sys.exit(1)
    finally:
        raw.close()
        if measuring is not None:
            measuring.stop()
            measuring.save()
