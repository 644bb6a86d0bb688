"""Limits that nobody has chosen give way to those of a test's own, and count from the last end."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from harness.batches import batches_of

from ctest_containers.events import TestFinished, TestSlow, TestStarted
from ctest_containers.limits import Limit, Limits
from ctest_containers.wire import TerminalRequest
from ctest_containers.workers import overdue, progress, time_limits
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.time_limits import (
    Decision,
    Interrupt,
    Kill,
    RequestStacks,
    TimeLimits,
)
from ctest_containers.workers.worker_state import BatchState, ProcessState, WorkerState

TEST = "shop.Tests.test_a"


@dataclass
class Process:
    """A worker's process that is this one."""

    pid: int = 1
    done: list[str] = field(default_factory=list)


def _worker(process: Process) -> WorkerState:
    of_worker: Any = process
    state = ProcessState(of_worker, batch=BatchState(Work(batches_of([2])[0])))
    return WorkerState(1, state)


def _limits(**given: Limit) -> TimeLimits:
    nothing: dict[str, Any] = {"per_test": None, "per_worker": None, "whole_run": None}
    return TimeLimits(Limits(**{**nothing, **given}))


def _begin(
    limits: TimeLimits, worker: WorkerState, seconds: float | None, *, idle_only: bool
) -> None:
    """Let a test begin that may take so long."""
    assert worker.state is not None
    started = TestStarted(
        worker=1, index=0, test_id=TEST, limit_seconds=seconds, idle_only=idle_only
    )
    assert worker.batch is not None
    worker.batch.running = started
    limits.note(worker.state, started)


def _begin_batch(limits: TimeLimits, worker: WorkerState) -> None:
    assert worker.batch is not None
    limits.begin_batch(worker.batch)


def _enforce(limits: TimeLimits, worker: WorkerState, process: Process) -> list[Decision]:
    """Carry decisions out as the pool does."""
    decisions = list(limits.decide([worker]))
    for decision in decisions:
        match decision:
            case Interrupt():
                process.done.append("interrupt")
            case RequestStacks():
                process.done.append("ask")
            case Kill(state, reason):
                process.done.append("kill")
                state.overdue = reason
            case TestSlow():
                pass
    return decisions


def _is_over(limits: TimeLimits, worker: WorkerState) -> bool:
    """Whether the run is over when a limit of 0 s had time to pass."""
    limits.is_run_over([worker])
    return limits.is_run_over([worker])


def test_a_run_ends_when_nothing_ends_for_its_limit() -> None:
    per_test = Limit(30.0, idle_only=True)
    limits = _limits(whole_run=Limit(0.0, idle_only=True), per_test=per_test)
    worker = _worker(Process())

    _begin(limits, worker, 30.0, idle_only=True)

    assert _is_over(limits, worker)


def test_a_run_does_not_end_while_a_test_has_more_time_of_its_own() -> None:
    limits, worker = _limits(whole_run=Limit(0.0, idle_only=True)), _worker(Process())

    _begin(limits, worker, 700.0, idle_only=False)

    assert not _is_over(limits, worker)


def test_neither_a_run_nor_a_worker_ends_while_a_test_has_been_given_any_time() -> None:
    process = Process()
    limits = _limits(whole_run=Limit(0.0, idle_only=True), per_worker=Limit(-10.0, idle_only=True))
    worker = _worker(process)
    _begin_batch(limits, worker)

    _begin(limits, worker, None, idle_only=False)
    _enforce(limits, worker, process)

    assert not _is_over(limits, worker)
    assert process.done == []


def test_an_explicit_limit_of_the_run_is_exact() -> None:
    limits, worker = _limits(whole_run=Limit(0.0)), _worker(Process())

    _begin(limits, worker, 700.0, idle_only=False)

    assert _is_over(limits, worker)


def test_a_run_that_waits_for_servers_is_not_over() -> None:
    limits = _limits(whole_run=Limit(0.05, idle_only=True))

    assert not limits.is_run_over([])


def test_a_worker_is_not_killed_while_its_test_has_more_time_of_its_own() -> None:
    process = Process()
    limits, worker = _limits(per_worker=Limit(-10.0, idle_only=True)), _worker(process)
    _begin_batch(limits, worker)

    _begin(limits, worker, 700.0, idle_only=False)
    _enforce(limits, worker, process)
    assert process.done == []

    assert worker.state is not None
    limits.note(worker.state, TestFinished(worker=1, index=0, seconds=0.0))
    _enforce(limits, worker, process)
    assert process.done == ["ask"]


def test_a_worker_that_has_used_an_exact_limit_is_asked_where_it_is_and_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time_limits, "STACK_SECONDS", 0.0)
    process = Process()
    limits, worker = _limits(per_worker=Limit(0.0)), _worker(process)
    _begin_batch(limits, worker)
    _begin(limits, worker, 700.0, idle_only=False)

    for _ in range(3):
        _enforce(limits, worker, process)

    assert process.done == ["ask", "kill"]
    assert worker.state is not None
    assert (
        worker.state.overdue
        == "Timed out: its worker took longer than 0 s for this class of tests."
    )


def test_a_test_that_is_slow_is_named_when_its_limit_has_passed() -> None:
    events: list[Decision] = []
    per_test = Limit(0.3, idle_only=True, at_most=60.0)
    limits, process = _limits(per_test=per_test), Process(pid=os.getpid())
    worker = _worker(process)
    _begin(limits, worker, per_test.seconds, idle_only=True)

    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        events += _enforce(limits, worker, process)

    assert [(type(one), one.test_id) for one in events if isinstance(one, TestSlow)] == [
        (TestSlow, TEST)
    ]


def test_a_test_that_makes_no_progress_is_interrupted_and_its_worker_killed_if_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time_limits, "STACK_SECONDS", 0.0)
    monkeypatch.setattr(overdue, "GRACE_SECONDS", 0.2)
    process = Process()
    limits, worker = _limits(per_test=Limit(0.3, idle_only=True)), _worker(process)
    monkeypatch.setattr(progress, "cpu_seconds", lambda _: 5.0)
    _begin(limits, worker, 0.3, idle_only=True)

    end = time.monotonic() + 2.0
    while "kill" not in process.done and time.monotonic() < end:
        _enforce(limits, worker, process)
        time.sleep(0.02)

    assert list(dict.fromkeys(process.done)) == ["interrupt", "ask", "kill"]
    assert worker.state is not None
    assert "it made no progress for 0.3 s, and could not be interrupted." in worker.state.overdue


def test_a_paused_batch_is_neither_interrupted_nor_killed() -> None:
    limits, worker = _limits(whole_run=Limit(0.05)), _worker(Process())
    _begin(limits, worker, 0.01, idle_only=False)
    assert worker.state is not None
    assert not limits.is_run_over([worker])

    limits.note(worker.state, TerminalRequest())
    time.sleep(0.1)

    assert list(limits.decide([worker])) == []
    assert not limits.is_run_over([worker])


def test_a_pause_does_not_count_as_time_of_a_test_or_the_run() -> None:
    limits, worker = _limits(whole_run=Limit(10.0)), _worker(Process())
    _begin(limits, worker, 10.0, idle_only=False)
    assert not limits.is_run_over([worker])
    state, batch = worker.state, worker.batch
    assert state is not None
    assert batch is not None
    assert batch.deadline is not None
    before = batch.deadline.deadline.remaining
    limits.note(state, TerminalRequest())
    time.sleep(0.2)

    limits.resume(state)

    assert batch.deadline.deadline.remaining >= before - 0.1
    assert not limits.is_run_over([worker])
