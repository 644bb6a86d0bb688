"""Debuggers in workers: at the moment of a failure with --pdb, and at `breakpoint()`.

The worker takes the terminal when a debugger shows its prompt. It gives it back when the debugger
lets the test continue, or at the latest when the test ends.
"""

from __future__ import annotations

import bdb
import builtins
import importlib.util
import linecache
import os
import pdb  # noqa: T100  # Not a breakpoint.
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ctest_containers.workers.failure_moments import FailureMoment
from ctest_containers.workers.problems import ExceptionInfo
from ctest_containers.workers.recorder import RecordingResult
from ctest_containers.workers.terminal import Terminal

# Keeps this file out of tracebacks.
__unittest = True

SKIPPED: Final = frozenset({"ctest_containers.*", "unittest.case", "unittest.suite"})
"""Modules in which a debugger does not stop when it is stepping."""

REPORTING: Final = frozenset({"run", "testPartExecutor"})
"""The functions of unittest's test cases that report what a test has done."""

LINES: Final = 5
"""How many lines before and after the failing one are shown."""

_INPUT: Final = builtins.input


class NoTerminalError(RuntimeError):
    """A test wants a debugger, and there is no terminal for it."""


class Debugger:
    """Lets debuggers use the run's terminal.

    Args:
        terminal: The run's terminal; None if it has none.
        failfast: Whether the run stops at its first failure.
    """

    def __init__(self, terminal: Terminal | None, *, failfast: bool = False) -> None:
        self._terminal = terminal
        self._failfast = failfast
        self._stdin = sys.stdin
        self._prompts = 0
        self._stepping: bdb.Bdb | None = None

    @property
    def has_terminal(self) -> bool:
        """Whether this worker has the terminal."""
        return self._terminal is not None and self._terminal.is_held

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take the terminal for every debugger that is about to read what is typed."""
        kind: Any = pdb.Pdb
        interaction, hook = kind.interaction, sys.breakpointhook

        def interact(debugger: Any, frame: Any, *arguments: Any, **options: Any) -> Any:
            if not self._reads_keyboard(debugger):
                return interaction(debugger, frame, *arguments, **options)
            if _is_reporting(frame):
                # It is stepping, and the test has returned.
                debugger.set_continue()
                self.end_test()
                return None
            with self._prompting(self._required(), debugger, frame):
                return interaction(debugger, frame, *arguments, **options)

        kind.interaction = interact
        if self._terminal is not None and _names_debugger(os.environ.get("PYTHONBREAKPOINT", "")):
            sys.breakpointhook = _Hook(self._terminal, hook)
        try:
            yield
        finally:
            kind.interaction = interaction
            sys.breakpointhook = hook

    def post_mortem(self, moment: FailureMoment) -> None:
        """Debug a test or a fixture that has failed; see `AtFailure`."""
        # The debugger was quit a moment ago, or there was no terminal for it.
        if self._terminal is None or isinstance(moment.error[1], bdb.BdbQuit | NoTerminalError):
            return
        if not self._terminal.take():
            return
        self._stop_stepping()
        tracer = sys.gettrace()
        self._prompts += 1
        try:
            with self._terminal.streams(), _only_test_frames(moment.error) as trace:
                _introduce(moment, trace)
                _post_mortem(moment.error[1], trace)
        except KeyboardInterrupt:
            pass
        finally:
            self._prompts -= 1
            sys.settrace(tracer)
            self._terminal.give_back(last=self._failfast)

    def end_test(self) -> None:
        """Let no debugger stop after the end of a test or a fixture."""
        if self._terminal is None or not self.has_terminal:
            return
        self._stop_stepping()
        self._terminal.give_back()

    def _stop_stepping(self) -> None:
        stepping, self._stepping = self._stepping, None
        if stepping is not None:
            stepping.set_continue()

    def _reads_keyboard(self, debugger: Any) -> bool:
        """Return whether a debugger reads what is typed, and not what a test provides."""
        if builtins.input is not _INPUT:
            return False
        if not (debugger.use_rawinput or debugger.stdin is sys.stdin):
            return False
        if self._terminal is None:
            return sys.stdin is self._stdin
        return self._terminal.is_keyboard(sys.stdin)

    def _required(self) -> Terminal:
        """Take the terminal.

        Raises:
            NoTerminalError: There is none, or the run is stopping.
        """
        if self._terminal is None:
            raise NoTerminalError(
                "A debugger needs a terminal, and this run has none: it runs in CI, on another "
                "machine, or its input is redirected. Run this test at a terminal, or set "
                "PYTHONBREAKPOINT=0 to ignore breakpoint()."
            )
        if not self._terminal.is_held:
            if not self._terminal.take():
                raise NoTerminalError("The run is stopping, so no debugger gets the terminal.")
            _announce(self._terminal)
        return self._terminal

    @contextmanager
    def _prompting(self, terminal: Terminal, debugger: Any, frame: Any) -> Iterator[None]:
        """Show a debugger's prompt; keep the terminal afterwards only if it is stepping."""
        debugger.skip = SKIPPED.union(debugger.skip or ())
        self._stepping = debugger
        self._prompts += 1
        is_stepping = False
        try:
            with terminal.streams():
                debugger.stdout = sys.stdout
                yield
            # What `continue` sets, in a debugger that is not a post-mortem one.
            continues = debugger.quitting or debugger.stoplineno == -1
            is_stepping = frame is not None and not continues
        finally:
            self._prompts -= 1
            if not is_stepping and not self._prompts:
                self._stepping = None
                terminal.give_back()


def _is_reporting(frame: types.FrameType | None) -> bool:
    """Return whether unittest, or this worker, reports on a test, and does not call its code."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name == "unittest.case":
            return frame.f_code.co_name in REPORTING
        if name == RecordingResult.__module__:
            return True
        frame = frame.f_back
    return False


class _Hook:
    """Takes the terminal for `breakpoint()`, and then leaves the call to the original hook.

    Python looks `__call__` up, which takes the terminal, and calls what it gets. So the debugger
    stops in the frame of the test, and not in one of ours.
    """

    def __init__(self, terminal: Terminal, hook: Any) -> None:
        self._terminal = terminal
        self._hook = hook

    @property
    def __call__(self) -> Any:
        if not self._terminal.is_held and self._terminal.take():
            _announce(self._terminal)
            self._terminal.use_streams()
        return self._hook


def _announce(terminal: Terminal) -> None:
    """Print the name of the test that has called a debugger."""
    with terminal.streams():
        sys.stdout.write(f"\n{'=' * 70}\n{terminal.test_id}\n\n")


def _names_debugger(variable: str) -> bool:
    """Return whether PYTHONBREAKPOINT names a debugger other than pdb, which needs no hook."""
    return variable not in {"", "0", "pdb.set_trace"}


def _post_mortem(error: BaseException, trace: types.TracebackType | None) -> None:
    """Run the debugger that Django's --pdb runs."""
    debugger = importlib.import_module("ipdb" if importlib.util.find_spec("ipdb") else "pdb")
    # From Python 3.13 on, debuggers can also show the exceptions that led to this one.
    debugger.post_mortem(error if sys.version_info >= (3, 13) else trace)


@contextmanager
def _only_test_frames(error: ExceptionInfo) -> Iterator[types.TracebackType | None]:
    """The traceback of an error without the frames of unittest and the toolkit."""
    _, value, original = error
    frames = []
    trace = original
    while trace is not None:
        names = trace.tb_frame.f_globals
        is_own = str(names.get("__name__")).startswith("ctest_containers.")
        if "__unittest" not in names and not is_own:
            frames.append(trace)
        trace = trace.tb_next
    shown: types.TracebackType | None = None
    for frame in reversed(frames):
        shown = types.TracebackType(shown, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    # An error of unittest's own, such as a module that cannot be imported, has no other frames.
    shown = shown or original
    value.__traceback__ = shown
    try:
        yield shown
    finally:
        value.__traceback__ = original


def _introduce(moment: FailureMoment, trace: types.TracebackType | None) -> None:
    """Print the name of the test, its traceback, and the lines around the failing one."""
    status = "FAIL" if moment.problem.is_failure else "ERROR"
    write = sys.stdout.write
    text = moment.problem.text.rstrip("\n")
    write(f"\n{'=' * 70}\n{status}: {moment.test_id}\n{'-' * 70}\n{text}\n\n")
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return
    frame, number = trace.tb_frame, trace.tb_lineno
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    first = max(1, number - LINES)
    for at, line in enumerate(lines[first - 1 : number + LINES], start=first):
        write(f"{at:>5} {'>' if at == number else ' '} {line.rstrip()}\n")
    write("\n")
