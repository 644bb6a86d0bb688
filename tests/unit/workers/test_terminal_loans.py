"""The terminal is lent to one worker at a time, if there is one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ctest_containers.limits import Limits
from ctest_containers.wire import Command, TerminalAnswer, TerminalRequest
from ctest_containers.workers import terminal_loans
from ctest_containers.workers.terminal_loans import TerminalLoans, has_terminal
from ctest_containers.workers.time_limits import TimeLimits
from ctest_containers.workers.worker_state import ProcessState, WorkerState

UNLIMITED = Limits(per_test=None, per_worker=None, whole_run=None)


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may themselves run at a terminal."""
    monkeypatch.setattr(terminal_loans, "CONTROLLING_TERMINAL", "/nonexistent")


def _asking(number: int) -> tuple[WorkerState, ProcessState, list[Command]]:
    sent: list[Command] = []
    process: Any = SimpleNamespace(send=sent.append, pid=0)
    state = ProcessState(process)
    return WorkerState(number, state), state, sent


def test_a_worker_is_told_that_there_is_no_terminal() -> None:
    loans = TerminalLoans(TimeLimits(UNLIMITED), lambda _: None)
    worker, state, sent = _asking(1)

    loans.handle(worker, state, TerminalRequest())
    loans.attend(stopping=False)

    assert not has_terminal()
    assert sent == [TerminalAnswer(granted=False)]


def test_a_run_that_is_stopping_lends_nothing() -> None:
    loans = TerminalLoans(TimeLimits(UNLIMITED), lambda _: None)
    workers = [_asking(number) for number in (1, 2, 3)]
    for worker, state, _ in workers:
        loans.handle(worker, state, TerminalRequest())

    loans.forget(workers[1][0])
    loans.attend(stopping=True)

    assert [sent for *_, sent in workers] == [
        [TerminalAnswer(granted=False)],
        [],
        [TerminalAnswer(granted=False)],
    ]
