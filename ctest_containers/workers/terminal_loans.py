"""Lends the run's terminal to workers whose tests are debugged."""

from __future__ import annotations

import os
import signal
import sys
import termios
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ctest_containers.events import DebuggerClosed, DebuggerOpened, Event
from ctest_containers.originals import ORIGINALS
from ctest_containers.wire import TerminalAnswer, TerminalRequest, TerminalReturned
from ctest_containers.workers.terminal import CONTROLLING_TERMINAL
from ctest_containers.workers.time_limits import TimeLimits
from ctest_containers.workers.worker_state import ProcessState, WorkerState


def has_terminal() -> bool:
    """Return whether this process has a terminal, so that it can lend it to workers."""
    try:
        os.close(os.open(CONTROLLING_TERMINAL, os.O_RDWR))
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Loan:
    """The terminal, while a worker has it.

    Attributes:
        terminal: A descriptor of the terminal.
        modes: What `termios.tcgetattr` returned before.
        since: When the worker got it, by `time.monotonic`.
    """

    worker: WorkerState
    state: ProcessState
    terminal: int
    modes: list[Any]
    since: float


class TerminalLoans:
    """Lends the terminal to one worker at a time, in the order in which they ask.

    A worker's time limits, which pause when it asks, resume when it no longer has the terminal.
    """

    def __init__(self, limits: TimeLimits, report: Callable[[Event], None]) -> None:
        self._limits = limits
        self._report = report
        self._waiting: deque[tuple[WorkerState, ProcessState]] = deque()
        self._loan: _Loan | None = None
        self._closed = self._is_stopping = False

    def handle(
        self, worker: WorkerState, state: ProcessState, message: TerminalRequest | TerminalReturned
    ) -> None:
        """Note that a worker asks for the terminal, or returns it."""
        match message:
            case TerminalRequest():
                self._waiting.append((worker, state))
            case TerminalReturned(last=last):
                self._closed |= last
                self._take_back(state)
                if self._is_stopping:
                    # A debugger takes for its own what asked the worker to end.
                    state.process.interrupt()

    def attend(self, *, stopping: bool) -> None:
        """Lend the terminal to the first worker that waits; call this several times per second.

        Args:
            stopping: Whether the run is stopping, so that no other worker is to get it.
        """
        self._is_stopping = stopping
        if self._loan is not None:
            self._return_to_foreground(self._loan)
            return
        while self._waiting and self._loan is None:
            worker, state = self._waiting[0]
            if not (stopping or self._closed) and not _is_in_foreground():
                # The shell has put the run into the background.
                return
            self._waiting.popleft()
            if not (stopping or self._closed):
                self._lend(worker, state)
            if self._loan is None:
                state.process.send(TerminalAnswer(granted=False))
                self._limits.resume(state)

    def forget(self, worker: WorkerState) -> None:
        """Take note that a worker's process has ended."""
        self._waiting = deque(pair for pair in self._waiting if pair[0] is not worker)
        loan = self._loan
        if loan is not None and loan.worker is worker:
            # The prompt is still in the last line.
            with suppress(OSError):
                os.write(loan.terminal, b"\n")
            # What was typed for its debugger is not for the next one.
            self._take_back(loan.state, when=termios.TCSAFLUSH)

    def end(self) -> None:
        """Take the terminal back at the end of the run."""
        if self._loan is not None:
            self.forget(self._loan.worker)

    def _lend(self, worker: WorkerState, state: ProcessState) -> None:
        try:
            terminal = os.open(CONTROLLING_TERMINAL, os.O_RDWR)
            modes = termios.tcgetattr(terminal)
        except (OSError, termios.error):
            return
        test_id = _running(state)
        self._report(DebuggerOpened(worker=worker.number, test_id=test_id))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self._loan = _Loan(worker, state, terminal, modes, ORIGINALS.monotonic())
        # If the process has just ended, the pool soon notices.
        with suppress(OSError):
            os.tcsetpgrp(terminal, state.process.pid)
        state.process.send(TerminalAnswer(granted=True, test_id=test_id))

    def _take_back(self, state: ProcessState, *, when: int = termios.TCSADRAIN) -> None:
        loan = self._loan
        if loan is None or loan.state is not state:
            return
        self._loan = None
        # The terminal itself may be gone.
        with suppress(OSError, termios.error), _writing_from_background():
            # After Ctrl-Z it belongs to the shell.
            if os.tcgetpgrp(loan.terminal) == state.process.pid:
                os.tcsetpgrp(loan.terminal, os.getpgrp())
            if os.tcgetpgrp(loan.terminal) == os.getpgrp():
                termios.tcsetattr(loan.terminal, when, loan.modes)
        os.close(loan.terminal)
        self._report(
            DebuggerClosed(worker=loan.worker.number, seconds=ORIGINALS.monotonic() - loan.since)
        )
        self._limits.resume(state)

    def _return_to_foreground(self, loan: _Loan) -> None:
        """Let a worker continue that Ctrl-Z has stopped, if the shell has continued the run."""
        with suppress(OSError):
            if os.tcgetpgrp(loan.terminal) == os.getpgrp():
                os.tcsetpgrp(loan.terminal, loan.state.process.pid)
                os.killpg(loan.state.process.pid, signal.SIGCONT)


def _running(state: ProcessState) -> str:
    batch = state.batch
    if batch is None:
        return ""
    return batch.fixture if batch.running is None else batch.running.test_id


def _is_in_foreground() -> bool:
    """Return whether what is typed reaches this process; even if the terminal is gone."""
    try:
        terminal = os.open(CONTROLLING_TERMINAL, os.O_RDWR)
    except OSError:
        return True
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


@contextmanager
def _writing_from_background() -> Iterator[None]:
    """Let this process change the terminal although another one is in the foreground."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
