"""Locates tests in the project's source, and their failures in its own code."""

from __future__ import annotations

import inspect
import site
import sys
import sysconfig
import traceback
import unittest
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from ctest_containers.events import TestPlace

NOT_THE_PROJECT: Final = tuple(
    {*site.getsitepackages(), sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}
)
"""Folders of code that the project only uses."""


def place_of_test(test: unittest.TestCase, folder: Path, expected_seconds: float) -> TestPlace:
    """The file and line of a test's definition.

    Args:
        folder: Paths of files in this folder are relative to it.
        expected_seconds: Its duration in past runs; 0 if unknown.
    """
    file, line = _definition(test)
    if file.startswith(NOT_THE_PROJECT):
        # unittest replaces a module that cannot be imported with a test of its own.
        file, line = "", 0
    return TestPlace(
        test_id=test.id(),
        file=relative(file, folder),
        line=line,
        expected_seconds=expected_seconds,
    )


def place_of_problem(trace: TracebackType | None, test: Any, folder: Path) -> tuple[str, int]:
    """The file and line in the project where an exception was raised.

    That is the last frame in the test's file, or else the last one in code that is neither
    installed nor Python's own; empty and 0 if there is none.
    """
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace)]
    frames = [frame for frame in frames if not frame[0].startswith((*NOT_THE_PROJECT, "<"))]
    own = getattr(sys.modules.get(type(test).__module__), "__file__", None)
    in_own = (frame for frame in reversed(frames) if frame[0] == own)
    chosen = next(in_own, frames[-1] if frames else None)
    return ("", 0) if chosen is None else (relative(chosen[0], folder), chosen[1])


def lines_around(file: Path, line: int, count: int = 5) -> tuple[list[str], int]:
    """Return the lines of a file around a line, and the number of the first of them.

    Args:
        count: How many lines before it and after it.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return [], 0
    first = max(1, line - count)
    return lines[first - 1 : line + count], first


def relative(file: str, folder: Path) -> str:
    """The path of a file relative to the folder, or unchanged if it is elsewhere."""
    return file.removeprefix(f"{folder}/")


def _definition(test: Any) -> tuple[str, int]:
    doctest = getattr(test, "_dt_test", None)
    if doctest is not None:
        return str(doctest.filename or ""), int(doctest.lineno or -1) + 1
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    code = getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
    return ("", 0) if code is None else (code.co_filename, code.co_firstlineno)
