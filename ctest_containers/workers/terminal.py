"""A worker's use of the run's terminal.

The worker that has the terminal is a process group of its own, in the foreground, like the job of
a shell: Ctrl-C and Ctrl-Z reach this worker only.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, TextIO

from ctest_containers.originals import ORIGINALS
from ctest_containers.wire import TerminalAnswer, TerminalRequest, TerminalReturned, UseResources
from ctest_containers.workers import alarm
from ctest_containers.workers.channel import Channel

CONTROLLING_TERMINAL: Final = "/dev/tty"

STOP_SECONDS: Final = 1.0
"""How long a shell may take to notice that its job has stopped."""


class Terminal:
    """The run's terminal, which the parent lends to one worker at a time.

    Args:
        use: Called with databases that arrive while the worker waits.

    Attributes:
        test_id: The test or fixture for which this worker has it, or had it last.
    """

    def __init__(self, channel: Channel, use: Callable[[UseResources], None]) -> None:
        self._channel = channel
        self._use = use
        self._held: ExitStack | None = None
        self.test_id = ""
        self._worker_stdin, self._pid = sys.stdin, os.getpid()
        # A debugger may keep these from one session to the next, so they stay the same.
        self._streams = {"stdin": _reader(), "stdout": _writer(1), "stderr": _writer(2)}

    @property
    def is_held(self) -> bool:
        """Whether this worker has the terminal."""
        return self._held is not None

    def is_keyboard(self, stream: Any) -> bool:
        """Return whether a stream is the input of the worker, and not one that a test provides."""
        if os.getpid() != self._pid:
            # A test has forked; only the worker itself can ask the parent.
            return False
        return stream is self._worker_stdin or stream is self._streams["stdin"]

    def take(self) -> bool:
        """Wait for the terminal, and connect this process to it, unless it has it already.

        The time of the running test stands still until the terminal is given back.

        Returns:
            Whether it has the terminal; it does not get it if the run is stopping.
        """
        if self._held is not None:
            return True
        if os.getpid() != self._pid:
            return False
        with ExitStack() as held:
            held.enter_context(alarm.paused())
            run = os.getpgrp()
            # The parent brings this group to the foreground.
            os.setpgid(0, 0)
            held.callback(_join_group, run)
            answer = self._channel.ask(TerminalRequest(), self._use)
            if not (isinstance(answer, TerminalAnswer) and answer.granted):
                return False
            try:
                held.enter_context(_connected())
                held.enter_context(_signals(run))
            except OSError:
                self._channel.send(TerminalReturned())
                return False
            self._held, self.test_id = held.pop_all(), answer.test_id
        return True

    def give_back(self, *, last: bool = False) -> None:
        """Give the terminal back to the parent, if this worker has it.

        Args:
            last: Whether no other worker is to have it after this one.
        """
        if self._held is None:
            return
        held, self._held = self._held, None
        try:
            held.close()
        finally:
            self._channel.send(TerminalReturned(last=last))

    def use_streams(self) -> None:
        """Let Python's standard streams be the terminal until it is given back."""
        if self._held is not None:
            self._held.enter_context(self.streams())

    @contextmanager
    def streams(self) -> Iterator[None]:
        """Let Python's standard streams be the terminal, whatever a test has put in their place."""
        before = {name: getattr(sys, name) for name in self._streams}
        for name, stream in self._streams.items():
            setattr(sys, name, stream)
        try:
            yield
        finally:
            for name, stream in self._streams.items():
                if getattr(sys, name) is stream:
                    setattr(sys, name, before[name])


def _reader() -> TextIO:
    return io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)))


def _writer(descriptor: int) -> TextIO:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), errors="backslashreplace", line_buffering=True)


def _join_group(group: int) -> None:
    # The group is gone if the parent is.
    with suppress(OSError):
        os.setpgid(0, group)


@contextmanager
def _connected() -> Iterator[None]:
    """Connect the standard descriptors to the terminal, as `input` and child processes need it."""
    saved = {}
    with ExitStack() as restoring:
        terminal = ORIGINALS.open(CONTROLLING_TERMINAL, os.O_RDWR)
        restoring.callback(ORIGINALS.close, terminal)
        _flush()
        for number in (0, 1, 2):
            saved[number] = os.dup(number)
            restoring.callback(ORIGINALS.close, saved[number])
            os.dup2(terminal, number)
            restoring.callback(os.dup2, saved[number], number)
        restoring.callback(_flush)
        yield


def _flush() -> None:
    """Write out what belongs to the files that the standard descriptors are connected to."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        # A test may have closed a stream, or replaced it by anything.
        with suppress(Exception):
            stream.flush()  # type: ignore[union-attr]


@contextmanager
def _signals(run: int) -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, and Ctrl-Z stop the whole run.

    Args:
        run: The run's process group.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTSTP: signal.signal(signal.SIGTSTP, lambda *_: _stop_run(run)),
    }
    try:
        yield
    finally:
        # A debugger leaves its own handler behind, to begin again at Ctrl-C.
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_run(run: int) -> None:
    """Stop the run's processes and this one, until the shell continues the run.

    The parent then brings this worker to the foreground again.
    """
    modes = termios.tcgetattr(0)
    os.killpg(run, signal.SIGTSTP)
    deadline = ORIGINALS.monotonic() + STOP_SECONDS
    while os.tcgetpgrp(0) == os.getpgrp():
        if ORIGINALS.monotonic() > deadline:
            # There is no shell that takes the terminal, and would continue the run.
            os.killpg(run, signal.SIGCONT)
            return
        ORIGINALS.sleep(0.01)
    os.kill(os.getpid(), signal.SIGSTOP)
    termios.tcsetattr(0, termios.TCSADRAIN, modes)
