"""An error reads as in a run without the toolkit."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctest_containers.workers.problems import problem_of

WRAPPER = """
def wrapper(function):
    return function()
"""


def _wrapper_in(module: str) -> Any:
    """A function that calls another one, in a hidden module of this name."""
    names: dict[str, Any] = {"__name__": module, "__unittest": True}
    exec(compile(WRAPPER, f"/{module}.py", "exec"), names)  # noqa: S102
    return names["wrapper"]


def _fail() -> None:
    raise LookupError("missing")


def _text_of(function: Callable[[], object]) -> str:
    try:
        function()
    except LookupError as error:
        case, info = unittest.TestCase(), (type(error), error, error.__traceback__)
        return problem_of(unittest.TestResult(), info, case, case, Path("/")).text
    raise AssertionError("no error")


def test_a_hidden_module_of_the_toolkit_is_in_no_traceback() -> None:
    wrapper = _wrapper_in("ctest_containers.reset.flush")

    text = _text_of(lambda: wrapper(lambda: wrapper(_fail)))

    assert "/ctest_containers.reset.flush.py" not in text
    assert text.count('File "') == 4
    assert text.endswith("LookupError: missing\n")


def test_nor_is_it_in_the_traceback_of_a_cause() -> None:
    def chained() -> None:
        try:
            _wrapper_in("ctest_containers.reset.flush")(_fail)
        except LookupError as error:
            raise LookupError("second") from error

    text = _text_of(chained)

    assert "direct cause" in text
    assert "/ctest_containers.reset.flush.py" not in text


def test_other_modules_stay() -> None:
    assert "/shop.testing.py" in _text_of(lambda: _wrapper_in("shop.testing")(_fail))
