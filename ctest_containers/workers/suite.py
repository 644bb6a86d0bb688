"""A suite whose fixtures have time limits."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from ctest_containers.events import FixtureFinished, FixtureStarted, WorkerEvent
from ctest_containers.limits import Limit, limit_of_class, limit_of_module
from ctest_containers.project.queries import queries_since_last_asked
from ctest_containers.usage.model import CLASS, MODULE, TEST
from ctest_containers.workers import alarm
from ctest_containers.workers.leak_watch import LeakWatch

if TYPE_CHECKING:
    from ctest_containers.usage.collector import Collector


class TimedSuite(unittest.TestSuite):
    """Reports when fixtures of classes and modules begin and end, and limits their time.

    Args:
        limit: The limit of fixtures whose class or module sets none.
        take_retry: Returns whether the test that has just run gets another try.
        at_end: Called when a fixture ends.
        watch: Looks for what classes leave in databases; None not to.
        usage: Records what tests and fixtures use; None not to.
        has_ended: Returns whether a test has run to its end.
    """

    def __init__(
        self,
        tests: Iterable[unittest.TestCase],
        *,
        worker: int,
        limit: Limit | None,
        send: Callable[[WorkerEvent], None],
        take_retry: Callable[[], bool] = lambda: False,
        at_end: Callable[[], None] = lambda: None,
        watch: LeakWatch | None = None,
        usage: Collector | None = None,
        has_ended: Callable[[unittest.TestCase], bool] = lambda _: True,
    ) -> None:
        super().__init__(tests)
        self._at_end = at_end
        self._watch = watch
        self._usage = usage
        self._has_ended = has_ended
        self._take_retry = take_retry
        self._worker = worker
        self._limit = limit
        self._send = send

    def __iter__(self) -> Iterator[Any]:
        """Yield each test once or twice, then release it; see `TestSuite._removeTestAtIndex`."""
        tests: list[Any] = self._tests  # not public
        for index, test in enumerate(tests):
            if self._watch is not None:
                self._watch.begin_test(
                    is_last=type(test) not in map(type, tests[index + 1 : index + 2])
                )
            with self._recorded(test):
                yield test
                if self._take_retry():
                    yield test
            if self._watch is not None:
                self._watch.end_test(test)
            tests[index] = None
            del test

    @contextmanager
    def _recorded(self, test: unittest.TestCase) -> Iterator[None]:
        """Record what a test uses in this block, in which the fixtures before it run as well."""
        if self._usage is None:
            yield
            return
        self._usage.begin(f"{TEST}{test.id()}")
        try:
            yield
        finally:
            self._usage.end(is_valid=self._has_ended(test))

    def _removeTestAtIndex(self, index: int) -> None:
        """Do nothing: if a test runs twice, unittest's count is not the index of the test."""

    def _handleClassSetUp(self, test: Any, result: Any) -> None:
        kind = type(test)
        if getattr(result, "_previousTestClass", None) is kind:
            return
        if self._watch is not None:
            self._watch.begin_class(kind)
        result.setting_up = kind
        try:
            with self._timed("setUpClass", _name(kind), limit_of_class(kind, self._limit)):
                super()._handleClassSetUp(test, result)  # type: ignore[misc]
        finally:
            result.setting_up = None
        if self._watch is not None:
            self._watch.end_fixture()

    def _tearDownPreviousClass(self, test: Any, result: Any) -> None:
        kind = getattr(result, "_previousTestClass", None)
        if kind is None or kind is type(test):
            return
        with self._timed("tearDownClass", _name(kind), limit_of_class(kind, self._limit)):
            super()._tearDownPreviousClass(test, result)  # type: ignore[misc]
        if self._watch is not None:
            self._watch.end_class()

    def _handleModuleFixture(self, test: Any, result: Any) -> None:
        name = type(test).__module__
        if self._get_previous_module(result) == name:  # type: ignore[attr-defined]
            return
        with self._timed("setUpModule", name, limit_of_module(name, self._limit)):
            super()._handleModuleFixture(test, result)  # type: ignore[misc]
        if self._watch is not None:
            self._watch.begin_module(name)

    def _handleModuleTearDown(self, result: Any) -> None:
        name = self._get_previous_module(result)  # type: ignore[attr-defined]
        if name is None:
            return
        with self._timed("tearDownModule", name, limit_of_module(name, self._limit)):
            super()._handleModuleTearDown(result)  # type: ignore[misc]
        if self._watch is not None:
            self._watch.end_module(name)

    @contextmanager
    def _timed(self, what: str, name: str, limit: Limit | None) -> Iterator[None]:
        worker = self._worker
        fixture = f"{what} ({name})"
        self._send(
            FixtureStarted(
                worker=worker,
                fixture=fixture,
                limit_seconds=None if limit is None else limit.seconds,
                idle_only=limit is not None and limit.idle_only,
            )
        )
        queries_since_last_asked()
        started = alarm.clock()
        unit = f"{MODULE if what.endswith('Module') else CLASS}{name}"
        try:
            recorded = nullcontext() if self._usage is None else self._usage.unit(unit)
            with recorded, alarm.limited(limit):
                yield
        finally:
            self._at_end()
            seconds = alarm.clock() - started
            count = queries_since_last_asked()
            self._send(FixtureFinished(worker=worker, seconds=seconds, query_count=count))


def _name(kind: type) -> str:
    """Return a class's name as unittest writes it."""
    return f"{kind.__module__}.{kind.__qualname__}"
