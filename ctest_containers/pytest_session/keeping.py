"""Keeps the databases of tests that fail in a pytest session, before fixtures are torn down."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import pytest

from ctest_containers.model import Lease
from ctest_containers.originals import ORIGINALS
from ctest_containers.supply.parent import PARENT
from ctest_containers.supply.supply import Supply
from ctest_containers.workers.failure_moments import noticing_class_fixtures
from ctest_containers.workers.keeping import keep_request
from ctest_containers.workers.problems import ExceptionInfo, problem_of

POLL_SECONDS: Final = 0.01

NO_FAILURES: Final = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)
"""What pytest raises for other outcomes."""

REPORTING: Final = ("addError", "addFailure", "addSubTest")
"""The methods by which unittest reports failures to pytest, before Django's rollback."""


class FailureWatch:
    """Keeps the first failures of this process.

    Args:
        leases: Returns the databases that this process uses.
        folder: A folder of this process.
    """

    def __init__(self, supply: Supply, leases: Callable[[], Iterable[Lease]], folder: Path) -> None:
        self._supply = supply
        self._leases = leases
        self._folder = folder
        self._more = supply.keeps_failures
        self._last = ""
        self._item: pytest.Item | None = None
        self.setting_up: type | None = None

    @contextmanager
    def watching(self, item: pytest.Item, *, is_setup: bool) -> Iterator[None]:
        """Keep the databases if unittest reports during the block that a test case has failed.

        Args:
            is_setup: Whether the item is being set up, with its class if it is the first of it.
        """
        if not self._more:
            yield
            return
        for name in REPORTING:
            report = getattr(item, name, None)
            if report is not None:
                setattr(item, name, self._keeping_first(item, report))
        self._item = item
        # In the test itself, the fixtures of its class have been set up.
        self.setting_up = getattr(item, "cls", None) if is_setup else None
        try:
            with noticing_class_fixtures(self) if is_setup else nullcontext():
                yield
        finally:
            self._item = None
            for name in REPORTING:
                vars(item).pop(name, None)

    def notice(self, test: Any, error: ExceptionInfo) -> None:
        """See `NoticesErrors`."""
        del test
        if self._item is not None:
            self.meet(self._item, error)

    def meet(self, item: pytest.Item, error: ExceptionInfo) -> None:
        """Keep the databases of a test that has just failed, once for each test."""
        is_failure = not isinstance(error[1], NO_FAILURES)
        if not self._more or not is_failure or item.nodeid == self._last:
            return
        if item.get_closest_marker("xfail") is not None:
            return
        self._last = item.nodeid
        owner = getattr(item, "instance", None) or item
        problem = problem_of(unittest.TestResult(), error, owner, owner, Path.cwd())
        request = keep_request(item.nodeid, None, problem, self._leases(), self._folder)
        while (more := self._supply.keep(PARENT, request)) is None:
            ORIGINALS.sleep(POLL_SECONDS)
            self._supply.update()
        self._more = more

    def _keeping_first(self, item: pytest.Item, report: Callable[..., Any]) -> Callable[..., Any]:
        def keep_and_report(test: Any, *details: Any) -> Any:
            # The exception comes last; None for a subtest that passed.
            if isinstance(details[-1], tuple):
                self.meet(item, details[-1])
            return report(test, *details)

        return keep_and_report
