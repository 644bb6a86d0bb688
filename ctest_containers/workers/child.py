"""What runs inside a worker process; it never reaches the container engine."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import sys
import threading
import traceback
import unittest
import weakref
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import BACKENDS
from ctest_containers.backends.sessions import end_sessions
from ctest_containers.capacity.memory import private_bytes
from ctest_containers.errors import WorkerError
from ctest_containers.events import (
    BatchFinished,
    DatabaseFlushed,
    WorkerEvent,
    WorkerFailed,
    WorkerReady,
)
from ctest_containers.limits import Limit
from ctest_containers.model import Address, Lease
from ctest_containers.originals import ORIGINALS
from ctest_containers.project import connections, isolation, line_coverage, service_settings
from ctest_containers.project.guard import guarded
from ctest_containers.project.line_coverage import LineCoverage
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.suite import Batch
from ctest_containers.reset import Flushes
from ctest_containers.wire import (
    DatabaseRequest,
    LineBuffer,
    Message,
    Quit,
    RunBatch,
    ServerVerdict,
    UseResources,
    VerdictRequest,
    WorkerRequest,
    decode,
    encode,
)
from ctest_containers.workers.alarm import alarm, interrupt_on_signal, tell_stack_on_signal
from ctest_containers.workers.recorder import RecordingResult
from ctest_containers.workers.suite import TimedSuite


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """What every worker of a run is told, wherever it is.

    Attributes:
        separate: Whether it gets caches, folders and temporary files of its own.
        worker_setup: The dotted path of the project's own function; empty for none.
        serialized: Aliases whose contents tests with `serialized_rollback` need.
        reset: How databases are reset after a TransactionTestCase; see `Flushes`.
        limit: What a test or a fixture may take that has no limit of its own, and the project's
            own function for workers.
        adaptive: What tests may take at their first try, by their ids.
        folder: Where the run was started; files are named relative to it.
    """

    separate: bool
    worker_setup: str
    serialized: frozenset[str]
    reset: str
    failfast: bool
    buffer: bool
    debug_sql: bool
    limit: Limit | None
    adaptive: Mapping[str, float]
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a worker is told when it starts.

    Attributes:
        own: It, as the project's own function for workers sees it.
        batches: All batches of the run; in pickled form for a spawned worker, which can only
            unpickle tests once the project is loaded.
        stack_file: Where it writes where it is, when asked by a signal.
        output: The file that it prints into; None for where its parent does.
        close: Descriptors of the parent that a forked worker must not keep open.
        line_coverage: How it measures the lines that run; None where nobody does.
        facts: What each alias's connection remembers about its server; see `facts_of`.
    """

    worker: int
    own: isolation.Worker
    worker_config: WorkerConfig
    setup: ProjectSetup
    batches: Sequence[Batch] | bytes
    stack_file: Path
    output: Path | None
    close: tuple[int, ...]
    line_coverage: LineCoverage | None = None
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


MEMORY_EVERY_SECONDS: Final = 1.0
"""Between two looks at how much memory the process has."""


class DatabaseLost(BaseException):  # It must pass by every `except Exception`.
    """The server of a worker has ended under it."""


class Worker:
    """A worker's own side of the conversation with its parent."""

    def __init__(self, assignment: Assignment, channel: Any) -> None:
        self._assignment = assignment
        self._channel = channel
        self._lines = LineBuffer()
        self._pending: list[bytes] = []
        self._postponed: list[Message] = []
        self._leased: set[str] = set()
        self._leases: list[Lease] = []
        # What is still to be flushed before tests use it, each with whether that is bare.
        self._to_flush: dict[str, bool] = {}
        self._flushed_in_batch: set[str] = set()
        self._is_flushing = False
        self._result: unittest.TestResult | None = None
        self._stopping = False
        self._to_call = assignment.worker_config.worker_setup
        self._asked_memory = -MEMORY_EVERY_SECONDS
        self._sending = threading.Lock()
        self._lending = threading.RLock()

    def work(self) -> None:
        """Carry out commands until told to quit, or until the parent is gone."""
        assignment = self._assignment
        # At the terminal, Ctrl-C reaches every process: finish the test that is running.
        signal.signal(signal.SIGINT, self._stop)
        assignment.setup.load()
        for alias, facts in assignment.facts.items():
            connections.remember(alias, facts)
        tell_stack_on_signal(assignment.stack_file)
        interrupt_on_signal()
        self._enter_own_world()
        flushes = Flushes(
            assignment.worker_config.reset, assignment.worker, self.send, self._note_flush
        )
        with guarded(self._lend), flushes.installed():
            sent: Sequence[Batch] = (
                pickle.loads(assignment.batches)  # noqa: S301  # our own parent made it
                if isinstance(assignment.batches, bytes)
                else assignment.batches
            )
            batches = {batch.number: batch for batch in sent}
            if assignment.worker_config.debug_sql:
                connections.log_queries()
            self.send(WorkerReady(worker=assignment.worker))
            while (message := self._next_message()) is not None:
                match message:
                    case UseResources():
                        self._use(message)
                    case RunBatch(batch=number):
                        self._set_up()
                        self._to_flush = {
                            alias: alias in message.flush_bare for alias in message.flush
                        }
                        self._flush_for_earlier_tests(self._leased)
                        self._flushed_in_batch.clear()
                        self._run(batches[number], message)
                    case Quit():
                        return

    def send(self, message: WorkerEvent | WorkerRequest) -> None:
        """Send an event or a request; blocks while the parent is busy."""
        # A thread of a test may request a database at the same time.
        with self._sending:
            self._channel.sendall(encode(message))

    def _enter_own_world(self) -> None:
        """Leave what other workers use, as far as can be, before anything of a test's begins."""
        assignment = self._assignment
        own = assignment.own
        own.folder.mkdir(parents=True)
        # The process that had this number before is dead, and what it left is not needed.
        for number in range(1, own.process):
            shutil.rmtree(own.folder.with_name(str(number)), ignore_errors=True)
        if not assignment.setup.spawned:
            isolation.close_inherited_caches()
        if assignment.worker_config.separate:
            isolation.separate(own, temporary_files=True)

    def _set_up(self) -> None:
        """Call the project's own function for workers once; it may use databases as tests do."""
        path, self._to_call = self._to_call, ""
        if path:
            with alarm(self._assignment.worker_config.limit):
                isolation.set_up(path, self._assignment.own)

    def _run(self, batch: Batch, command: RunBatch) -> None:
        assignment = self._assignment
        skip = frozenset(command.skip)
        pairs = [
            (index, test)
            for index, test in zip(batch.indices, batch.tests, strict=True)
            if index not in skip
        ]
        result = RecordingResult(
            send=self.send,
            worker=assignment.worker,
            indices={id(test): index for index, test in pairs},
            folder=assignment.worker_config.folder,
            limit=assignment.worker_config.limit,
            check=self._check_servers,
            tidy=self._tidy_after_timeout,
            debug_sql=assignment.worker_config.debug_sql,
            adaptive=assignment.worker_config.adaptive,
            full=command.full,
            careful=command.careful,
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
            send=self.send,
            again=result.again,
        )
        # In a process that has them for itself, a test is let go when it has ended.
        kept = [weakref.ref(test) for _, test in pairs]
        pairs.clear()
        batch.tests.clear()
        started = ORIGINALS.monotonic()
        try:
            suite.run(result)
        finally:
            self._result = None
            result.close()
            # What others hold is, too, as in a serial run. They themselves stay: what the parent
            # has was copied with it.
            for one in kept:
                with suppress(TypeError):
                    vars(one()).clear()
        seconds = ORIGINALS.monotonic() - started
        self.send(
            BatchFinished(
                worker=assignment.worker,
                batch=batch.number,
                seconds=seconds,
                memory_bytes=self._memory_bytes(),
                stopped=self._stopping,
            )
        )

    def _flush_for_earlier_tests(self, aliases: Collection[str]) -> None:
        """Flush the databases that earlier tests would have flushed in a serial run.

        Other workers ran those tests, on servers of their own.
        """
        from django.db import connections as configured
        from django.test import testcases

        module: Any = testcases
        for alias in sorted(self._to_flush.keys() & aliases):
            connection = configured[alias]
            was_open = connection.connection is not None
            self._is_flushing = True
            # If it fails, the first test that flushes this database fails with the same error.
            with suppress(Exception):
                module.call_command(
                    "flush",
                    verbosity=0,
                    interactive=False,
                    database=alias,
                    reset_sequences=False,
                    allow_cascade=False,
                    inhibit_post_migrate=self._to_flush.pop(alias),
                )
            self._is_flushing = False
            if not was_open:
                connection.close()

    def _note_flush(self, alias: str, bare: bool) -> None:  # noqa: FBT001
        """Tell the parent that a test flushes a database; ignore flushes for earlier tests."""
        if not self._is_flushing and alias not in self._flushed_in_batch:
            self._flushed_in_batch.add(alias)
            worker = self._assignment.worker
            self.send(DatabaseFlushed(worker=worker, alias=alias, bare=bare))

    def _memory_bytes(self) -> int:
        """Asked from time to time, for the answer takes the kernel a while."""
        if ORIGINALS.monotonic() - self._asked_memory < MEMORY_EVERY_SECONDS:
            return 0
        self._asked_memory = ORIGINALS.monotonic()
        return private_bytes() or 0

    def _stop(self, *_: Any) -> None:
        self._stopping = True
        if self._result is not None:
            self._result.stop()

    def _use(self, resources: UseResources) -> None:
        for service in resources.services:
            service_settings.apply(service)
        for lease in resources.databases:
            # Filling an SQLite database connects to it.
            self._leased.add(lease.alias)
            try:
                connections.redirect(lease)
                connections.remember(lease.alias, self._assignment.facts.get(lease.alias, {}))
            except BaseException:
                self._leased.discard(lease.alias)
                raise
            self._leases.append(lease)
        named = {lease.alias for lease in resources.databases}
        connections.serialize(named & self._assignment.worker_config.serialized)
        if self._assignment.setup.spawned:
            connections.mark_expectations(named)

    def _check_servers(self, report: str) -> None:
        """End this worker when a test has failed because its server is gone.

        The parent then says what became of the server, and another worker runs the rest.
        """
        if gone := connections.unreachable(self._leases):
            names = ", ".join(map(repr, gone))
            raise DatabaseLost(f"The server of {names} is gone. The test itself said:\n{report}")
        if any(connections.was_closed(lease.alias) for lease in self._leases):
            answer = self._ask(VerdictRequest())
            if isinstance(answer, ServerVerdict) and answer.lost:
                raise DatabaseLost(f"The test itself said:\n{report}")

    def _tidy_after_timeout(self, report: str) -> None:
        """End what a test that ran out of time has left on its servers, but its own connections.

        Threads of the test's may still be waiting there and hold locks. A connection that was
        interrupted in the midst of a query is of no use to the tests that follow.
        """
        own: dict[Address, set[int]] = {}
        for lease in self._leases:
            if lease.address is None:
                continue
            backend, connection = BACKENDS[lease.vendor], connections.raw(lease.alias)
            kept = own.setdefault(lease.address, set())
            if connection is None:
                continue
            if backend.is_mid_query(connection):
                raise DatabaseLost(f"It was in the midst of a query.\n{report}")
            if (session := backend.session_of(connection)) is not None:
                kept.add(session)
        vendors = {lease.address: lease.vendor for lease in self._leases}
        for address, sessions in own.items():
            end_sessions(vendors[address].value, address, keep=sessions)

    def _lend(self, alias: str) -> None:
        """Get the database of an alias that is about to connect, unless it is here already.

        Most tests declare what they use. One that is no Django test case cannot, and finds the
        test database of the others all the same under Django's own runner.
        """
        with self._lending:
            if alias in self._leased:
                return
            self._ask(DatabaseRequest(alias=alias))
            self._flush_for_earlier_tests(self._leased & {alias})
            if alias not in self._leased:
                raise WorkerError(
                    f"A test connects to the database {alias!r}, which none of the selected tests "
                    "declares, so it has not been started.",
                    f"Add {alias!r} to the test class's `databases`.",
                )

    def _ask(self, request: WorkerRequest) -> Message | None:
        """Return the parent's answer; None if it is gone. What it sent before is carried out."""
        with self._lending:
            self.send(request)
            while (line := self._next_line()) is not None:
                match message := decode(line):
                    case UseResources(answers=answers):
                        self._use(message)
                        if isinstance(request, DatabaseRequest) and answers == request.alias:
                            return message
                    case ServerVerdict():
                        # A test that was interrupted may have left one that it waited for.
                        if isinstance(request, VerdictRequest):
                            return message
                    case Quit():
                        self._postponed.append(message)
                        return None
                    case _:
                        # A command that the parent sent before this worker was ready.
                        self._postponed.append(message)
            return None

    def _next_message(self) -> Message | None:
        """The next command; None when the parent is gone."""
        if self._postponed:
            return self._postponed.pop(0)
        line = self._next_line()
        return decode(line) if line is not None else None

    def _next_line(self) -> bytes | None:
        while not self._pending:
            data = self._channel.recv(65536)
            if not data:
                return None
            self._pending.extend(self._lines.feed(data))
        return self._pending.pop(0)


def _print_into(file: Path) -> None:
    """Let everything that this process and its children print be added to a file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def main(assignment: Assignment, channel: socket.socket) -> None:
    """Run as a worker until the parent says so or is gone."""
    for descriptor in assignment.close:
        with suppress(OSError):
            os.close(descriptor)
    if assignment.output is not None:
        _print_into(assignment.output)
    # A test may change the class of Python's sockets, and not what that is derived from.
    raw = ORIGINALS.socket(fileno=channel.detach())
    # Settings may give all sockets a timeout.
    raw.settimeout(None)
    worker = Worker(assignment, raw)
    how, own = assignment.line_coverage, assignment.own
    measuring = None
    try:
        if how is not None:
            measuring = line_coverage.begin(how, f"w{own.number}-{own.process}")
        worker.work()
    except (BrokenPipeError, ConnectionResetError):
        # The parent is gone; nobody is left to hear of it.
        os._exit(1)
    except DatabaseLost as lost:
        with suppress(OSError):
            worker.send(WorkerFailed(worker=assignment.worker, text=str(lost), database_lost=True))
        sys.exit(1)
    except isolation.SetupFailure as failure:
        with suppress(OSError):
            worker.send(WorkerFailed(worker=assignment.worker, text=str(failure), ends_run=True))
        sys.exit(1)
    except BaseException:  # noqa: BLE001  # The parent is told whatever it was.
        with suppress(OSError):
            worker.send(WorkerFailed(worker=assignment.worker, text=traceback.format_exc()))
        sys.exit(1)
    finally:
        raw.close()
        if measuring is not None:
            measuring.stop()
            measuring.save()
