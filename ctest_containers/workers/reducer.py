"""Updates the state of a worker by its messages, and decides on the effects.

Nothing is sent, reported or started here. The pool carries out the effects, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ctest_containers.errors import WorkerError
from ctest_containers.events import (
    BatchFinished,
    ConnectionLost,
    DatabaseFlushed,
    DatabaseWanted,
    Event,
    FixtureFinished,
    FixtureStarted,
    LeakDetected,
    OutcomeKind,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
    WorkerEvent,
    WorkerFailed,
    WorkerReady,
)
from ctest_containers.wire import (
    DatabaseRequest,
    KeepAnswer,
    KeepRequest,
    Message,
    Quit,
    RunBatch,
    ServerVerdict,
    TerminalAnswer,
    TerminalRequest,
    TerminalReturned,
    UseResources,
    VerdictRequest,
)
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.worker_state import ProcessState, WorkerState

CLOCK_SECONDS: Final = 1.0
"""How far two clocks of one machine may differ."""

NOTED: Final = OutcomeKind.SKIP
"""The kind of what is only noted beside the reports on fixtures, and lets nothing run again."""

CONCLUSIONS: Final = frozenset(
    [OutcomeKind.SUCCESS, OutcomeKind.EXPECTED_FAILURE, OutcomeKind.UNEXPECTED_SUCCESS]
)
"""What unittest reports on a test when no part of it is left to run."""

FAILURES: Final = frozenset(
    [
        *(OutcomeKind.FAILURE, OutcomeKind.ERROR),
        *(OutcomeKind.UNEXPECTED_SUCCESS, OutcomeKind.SUBTEST),
    ]
)
"""The outcomes for which a run fails; a subtest is reported only if it does."""


@dataclass(frozen=True, slots=True)
class Report:
    """Report an event."""

    event: Event


@dataclass(frozen=True, slots=True)
class CheckServers:
    """Send the worker a verdict on its servers."""


@dataclass(frozen=True, slots=True)
class LendTerminal:
    """Lend the worker the terminal, or take it back."""

    message: TerminalRequest | TerminalReturned


@dataclass(frozen=True, slots=True)
class EndBatch:
    """Take note that a batch has been run.

    Attributes:
        stopped: Whether its worker was interrupted before its end.
    """

    work: Work
    stopped: bool


Effect = Report | CheckServers | LendTerminal | EndBatch


def reduce_message(
    worker: WorkerState, message: Message, order: FlushOrder, *, now: float
) -> Iterator[Effect]:
    """Note what a worker's message says, and yield the effects that it has.

    Args:
        order: Which databases were flushed; updated by the message.
        now: The time, by `time.monotonic`.

    Raises:
        WorkerError: No worker may send this message, or it ends the run.
    """
    state = worker.state
    assert state is not None
    match message:
        case DatabaseRequest(alias=alias):
            state.requested_alias = alias
            yield Report(DatabaseWanted(worker=worker.number, alias=alias))
        case VerdictRequest():
            yield Report(ConnectionLost(worker=worker.number))
            yield CheckServers()
        case KeepRequest():
            state.keep_request = message
        case TerminalRequest() | TerminalReturned():
            yield LendTerminal(message)
        case (
            UseResources() | RunBatch() | Quit() | ServerVerdict() | KeepAnswer() | TerminalAnswer()
        ):
            raise WorkerError(f"Worker {worker.number} sent a command to its parent.")
        case DatabaseFlushed(alias=alias, bare=bare):
            # What a rerun does to its own servers decides on nothing that others find.
            if worker.work is not None and not worker.is_in_rerun:
                order.record_flush(worker.work, worker.rows, alias, bare=bare)
            yield Report(message)
        case LeakDetected(consequence=consequence):
            worker.is_dirty |= consequence == "reset"
            # Another part of the class may have left the same.
            name = f"{message.alias} {message.owners}"
            if worker.batch is not None:
                worker.batch.fixtures.add((name, NOTED))
            if worker.work is None or worker.work.is_new(name, NOTED):
                yield Report(message)
        case WorkerFailed(text=text, ends_run=True):
            yield Report(message)
            raise WorkerError(
                text,
                "Fix the function, or remove it from --worker-setup or from the setting "
                "WORKER_SETUP.",
            )
        case _:
            yield from _reduce_event(state, message, now)


def _reduce_event(state: ProcessState, message: WorkerEvent, now: float) -> Iterator[Effect]:
    match message:
        case WorkerReady():
            state.ready = True
        case WorkerFailed(text=text, database_lost=lost):
            state.failure, state.database_lost = text, lost
        case BatchFinished(memory_bytes=count, stopped=stopped):
            state.memory_bytes = count or state.memory_bytes
            batch, state.batch = state.batch, None
            if batch is not None:
                batch.work.fixtures |= batch.fixtures
                yield EndBatch(batch.work, stopped)
        case _ if state.batch is not None:
            changed = _reduce_test(state, message, now)
            if changed is None:
                return
            message = changed
        case _:
            pass
    yield Report(message)


def _reduce_test(state: ProcessState, message: WorkerEvent, now: float) -> WorkerEvent | None:
    """Return the event to report; None if it has been reported before."""
    batch = state.batch
    assert batch is not None
    match message:
        case TestStarted():
            batch.running, batch.concluded, batch.begun = message, False, now
        case FixtureStarted(fixture=fixture):
            batch.fixture = fixture
        case FixtureFinished():
            batch.work.completed.add(batch.fixture)
            batch.fixture = ""
        case TestFinished(index=index, seconds=seconds):
            if not 0 <= seconds <= now - state.started + CLOCK_SECONDS:
                # No test takes longer than its process has existed.
                message = replace(message, seconds=now - batch.begun)
            batch.last = batch.last if batch.running is None else batch.running.test_id
            batch.running = None
            batch.work.ended.add(index)
        case TestRetried(index=index):
            batch.work.full.add(index)
        case TestOutcome(index=None, test_id=test_id, kind=kind):
            batch.fixtures.add((test_id, kind))
            # A fixture that is skipped when it runs again has neither failed nor passed.
            is_skipped_again = kind is OutcomeKind.SKIP and batch.work.rerun is not None
            if is_skipped_again or not batch.work.is_new(test_id, kind):
                return None
        case TestOutcome(index=int(index), kind=kind):
            batch.concluded = kind in CONCLUSIONS
            if kind in FAILURES:
                batch.work.failed.add(index)
            elif batch.concluded:
                batch.work.passed.add(index)
            # Django reports an error before a test starts, and then does not start it.
            if batch.running is None:
                batch.work.ended.add(index)
        case _:
            pass
    return message
