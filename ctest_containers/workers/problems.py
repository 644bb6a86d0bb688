"""Describes what went wrong in a test, as a serial run would print it.

Converting an exception, a reason or a subtest to text may run any code, which may fail.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from types import TracebackType
from typing import Any

from ctest_containers.events import Problem
from ctest_containers.project.source_location import place_of_problem

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def problem_of(
    result: unittest.TestResult, err: ExceptionInfo, owner: Any, test: Any, folder: Path
) -> Problem:
    """Describe an error or a failure.

    Args:
        result: The result whose method turns it into text.
        owner: The test, of which `test` may be a subtest.
        folder: Where the run was started; files are named relative to it.
    """
    kind, value, trace = err
    _hide_own_frames(value)
    # The holder of a class-level error has None there.
    failure = getattr(owner, "failureException", None) or AssertionError
    message = message_of(value)
    # Captured output is only added while a test runs: with --buffer, unittest itself would fail
    # if Django reports an error before a test has started.
    buffer, result.buffer = result.buffer, result.buffer and hasattr(sys.stdout, "getvalue")
    try:
        text = result._exc_info_to_string(err, test)  # type: ignore[attr-defined]  # not public
    except Exception as error:  # noqa: BLE001  # Any code may run in there.
        text = f"{kind.__qualname__}: {message}\n(no traceback: {type(error).__name__})\n"
    finally:
        result.buffer = buffer
    file, line = place_of_problem(trace, owner, folder)
    return Problem(
        type_name=kind.__qualname__,
        module=kind.__module__,
        message=message,
        text=text,
        is_failure=issubclass(kind, failure),
        file=file,
        line=line,
    )


def _hide_own_frames(error: BaseException) -> None:
    """Take the toolkit's frames out of the traceback of an error, and of those that led to it.

    As in unittest, a module is hidden if it defines `__unittest`; but unittest itself hides only
    the outermost frames.
    """
    pending, done = [error], set[int]()
    while pending:
        each = pending.pop()
        done.add(id(each))
        frame = each.__traceback__
        while frame is not None:
            while frame.tb_next is not None and _is_own(frame.tb_next):
                frame.tb_next = frame.tb_next.tb_next
            frame = frame.tb_next
        causes = (each.__cause__, each.__context__)
        pending += [cause for cause in causes if cause is not None and id(cause) not in done]


def _is_own(frame: TracebackType) -> bool:
    names = frame.tb_frame.f_globals
    return "__unittest" in names and str(names.get("__name__")).startswith("ctest_containers.")


def message_of(value: object) -> str:
    """Return what `str()` gives for an exception or a reason."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # Any code may run in there.
        return f"<its message cannot be shown: {type(error).__name__}>"


def description_of(subtest: Any) -> str:
    """Return a subtest's message and parameters, in unittest's words."""
    try:
        return str(subtest._subDescription())
    except Exception as error:  # noqa: BLE001  # Any code may run in there.
        return f"(its parameters cannot be shown: {type(error).__name__})"


def captured_by(result: unittest.TestResult) -> tuple[str, str]:
    """Return what a test has printed, if --buffer has captured it."""
    streams = (sys.stdout, sys.stderr) if result.buffer else ()
    texts = [str(stream.getvalue()) for stream in streams if hasattr(stream, "getvalue")]
    return (texts[0], texts[1]) if len(texts) == 2 else ("", "")
