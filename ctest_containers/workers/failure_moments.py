"""The moments at which tests fail, before anything is torn down or rolled back.

From Python 3.11 on, unittest reports an error at once. Python 3.10 collects a test's errors, and
reports them after its cleanups; `noticed` lets it report them at once to those who need that.
"""

from __future__ import annotations

import sys
import unittest
import unittest.case
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from unittest.suite import _ErrorHolder  # type: ignore[attr-defined]  # not public

from ctest_containers.events import Problem
from ctest_containers.workers import alarm
from ctest_containers.workers.problems import ExceptionInfo

REPORTS_AT_ONCE: Final = sys.version_info >= (3, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureMoment:
    """A test, a subtest or a fixture has just failed; its rows and objects are still there.

    Attributes:
        test: The test, also if a subtest of it failed; unittest's placeholder for a fixture.
        index: The test's index in the run; None for a fixture.
        error: The exception, as `sys.exc_info()` returns it.
        problem: The same in words.
    """

    test: Any
    index: int | None
    error: ExceptionInfo
    problem: Problem

    @property
    def test_id(self) -> str:
        """The test's name, as in reports."""
        return str(self.test.id())


AtFailure = Callable[[FailureMoment], None]
"""Is called at the moment of a failure, while the test's clock stands still."""


class Failures:
    """Calls what is to be called at the moment of a failure, once for each exception.

    Args:
        at_failure: What is to be called, in this order.
    """

    def __init__(self, at_failure: Sequence[AtFailure]) -> None:
        self._at_failure = at_failure
        self._met: list[BaseException] = []

    def meet(self, test: Any, index: int | None, error: ExceptionInfo, problem: Problem) -> None:
        """Take note that a test, a subtest or a fixture has just failed."""
        if not self._at_failure or any(error[1] is other for other in self._met):
            return
        # unittest may report it later, or again.
        self._met.append(error[1])
        moment = FailureMoment(test=test, index=index, error=error, problem=problem)
        with alarm.paused():
            for act in self._at_failure:
                act(moment)

    def forget(self) -> None:
        """Release the exceptions of a test that has ended."""
        self._met.clear()


class NoticesErrors(Protocol):
    """A result that wants to know of errors at once.

    Attributes:
        setting_up: The class whose fixtures are being set up; None for none. A test may set up
            other classes, whose failures are its own affair.
    """

    setting_up: type | None

    def notice(self, test: Any, error: ExceptionInfo) -> None:
        """Take note of an error that unittest reports later."""


class _Errors(list[Any]):
    """The errors that unittest collects while a test runs."""

    def __init__(self, result: NoticesErrors) -> None:
        super().__init__()
        self._result = result

    def append(self, pair: Any) -> None:
        """Collect an error, or None for a subtest that passed."""
        super().append(pair)
        test, error = pair
        if error is not None:
            self._result.notice(test, error)


@contextmanager
def noticed(result: NoticesErrors) -> Iterator[None]:
    """Have `notice` of this result called at the moment of a failure, during the block.

    That concerns what is reported only later: a failing `setUpTestData`, whose rows Django rolls
    back first, and with Python 3.10 every failure.
    """
    with noticing_class_fixtures(result), _noticing_tests(result):
        yield


@contextmanager
def noticing_class_fixtures(result: NoticesErrors) -> Iterator[None]:
    """Have `notice` called when `setUpTestData` fails, before Django rolls its rows back."""
    from django.test import TestCase

    case: Any = TestCase
    original = case.__dict__["_rollback_atomics"]

    def roll_back(cls: Any, atomics: Any) -> None:
        error: Any = sys.exc_info()
        is_failure = error[1] is not None and not isinstance(error[1], unittest.SkipTest)
        setting_up = result.setting_up
        if is_failure and setting_up is not None and cls is setting_up:
            name = f"setUpClass ({cls.__module__}.{cls.__qualname__})"
            result.notice(_ErrorHolder(name), error)
        original.__func__(cls, atomics)

    case._rollback_atomics = classmethod(roll_back)
    try:
        yield
    finally:
        case._rollback_atomics = original


@contextmanager
def _noticing_tests(result: NoticesErrors) -> Iterator[None]:
    if REPORTS_AT_ONCE:
        yield
        return
    module: Any = unittest.case
    original = module._Outcome

    def outcome(of_result: Any = None) -> Any:
        collecting = original(of_result)
        if of_result is result:
            collecting.errors = _Errors(of_result)
        return collecting

    module._Outcome = outcome
    try:
        yield
    finally:
        module._Outcome = original
