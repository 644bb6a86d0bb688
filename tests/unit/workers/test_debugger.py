"""What a worker does for debuggers, as far as that needs no terminal."""

from __future__ import annotations

import bdb
import builtins
import io
import pdb  # noqa: T100  # Not a breakpoint.
import sys
import time
import types
import unittest
from unittest import mock

import pytest

from ctest_containers.workers import alarm
from ctest_containers.workers.debugger import (
    Debugger,
    NoTerminalError,
    _Hook,
    _only_test_frames,
)
from ctest_containers.workers.failure_moments import FailureMoment
from ctest_containers.workers.problems import problem_of
from ctest_containers.workers.terminal import Terminal


def test_a_breakpoint_without_a_terminal_raises_what_explains_it() -> None:
    # Coverage and pytest's own debugger must not take part.
    tracer, hook = sys.gettrace(), sys.breakpointhook
    sys.breakpointhook = sys.__breakpointhook__
    try:
        with Debugger(None).installed(), pytest.raises(NoTerminalError, match="PYTHONBREAKPOINT=0"):
            _stop()
    finally:
        sys.settrace(tracer)
        sys.breakpointhook = hook


def _stop() -> int:
    pdb.Pdb().set_trace(sys._getframe())
    return 1


def test_a_debugger_that_reads_what_a_test_provides_is_left_alone() -> None:
    output = io.StringIO()
    own = pdb.Pdb(stdin=io.StringIO("p 6 * 7\nc\n"), stdout=output)
    interaction = pdb.Pdb.interaction

    with Debugger(None).installed():
        changed = pdb.Pdb.interaction is not interaction
        own.runcall(lambda: 1)
        with mock.patch.object(builtins, "input", side_effect=["c"]) as typed:
            pdb.Pdb(stdout=None).runcall(lambda: 1)

    assert changed
    assert "42" in output.getvalue()
    assert typed.call_count == 1
    assert pdb.Pdb.interaction is interaction


def test_the_hook_takes_the_terminal_and_has_no_frame_of_its_own() -> None:
    terminal = mock.Mock(spec=Terminal, is_held=False)
    terminal.take.return_value = False
    callers = []

    def debugger() -> None:
        callers.append(sys._getframe(1).f_code.co_name)

    _Hook(terminal, debugger)()

    assert callers == ["test_the_hook_takes_the_terminal_and_has_no_frame_of_its_own"]
    assert terminal.take.call_count == 1


def test_a_test_that_quits_a_debugger_is_not_debugged() -> None:
    terminal = mock.Mock(spec=Terminal)

    for error in (bdb.BdbQuit(), NoTerminalError("none")):
        Debugger(terminal).post_mortem(_moment(error))

    assert not terminal.take.called


def test_the_traceback_of_a_debugger_has_only_frames_of_the_test() -> None:
    case = unittest.TestCase()
    try:
        case.fail("as it should")
    except AssertionError as caught:
        error = caught
    original = error.__traceback__

    with _only_test_frames((AssertionError, error, original)) as shown:
        names = [frame.f_code.co_name for frame, _ in _frames(shown)]
        during = error.__traceback__

    assert names == ["test_the_traceback_of_a_debugger_has_only_frames_of_the_test"]
    assert during is shown
    assert error.__traceback__ is original


def test_the_clock_of_a_test_stands_still_while_it_is_paused() -> None:
    before = alarm.clock()
    with alarm.paused(), alarm.paused():
        paused = alarm.clock()
        # The time that must not count.
        time.sleep(0.05)
        later = alarm.clock()

    assert later == paused
    assert alarm.clock() - before < 0.05


def _frames(trace: types.TracebackType | None) -> list[tuple[types.FrameType, int]]:
    return [] if trace is None else [(trace.tb_frame, trace.tb_lineno), *_frames(trace.tb_next)]


def _moment(error: BaseException) -> FailureMoment:
    test = unittest.FunctionTestCase(lambda: None)
    info = (type(error), error, None)
    problem = problem_of(unittest.TestResult(), info, test, test, folder=types.SimpleNamespace())  # type: ignore[arg-type]
    return FailureMoment(test=test, index=0, error=info, problem=problem)
