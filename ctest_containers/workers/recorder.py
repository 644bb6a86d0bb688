"""A test result that sends what happens as events instead of keeping it.

Exceptions are converted to text in the worker, so neither they nor what they refer to need to be
picklable, and the text is what a serial run would have printed.
"""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ctest_containers.events import (
    OutcomeKind,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
    WorkerEvent,
)
from ctest_containers.limits import Limit, TestTimedOut, limit_of_test
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.queries import queries_since_last_asked
from ctest_containers.workers import alarm
from ctest_containers.workers.failure_moments import AtFailure, Failures
from ctest_containers.workers.problems import (
    ExceptionInfo,
    captured_by,
    description_of,
    message_of,
    problem_of,
)
from ctest_containers.workers.query_log import QueryLog

CAREFUL_SECONDS: Final = 0.5
"""How long the report that a test begins may take to reach the run's parent."""


class RecordingResult(unittest.TestResult):
    """Sends every report of unittest as an event.

    Args:
        send: Called with the events, in their order.
        worker: The worker's number.
        indices: The index in the run of each test, by `id()` of the test.
        folder: Where the run was started; files are named relative to it.
        limit: The limit of tests that have none of their own.
        check: Called with the report of an error or failure before it is sent. It raises if the
            cause is not the test, but a lost database.
        tidy: Called with the report of a test that timed out, before it is sent.
        at_failure: Called in turn when a test or a fixture has failed, before anything is torn
            down, and before the failure is reported.
        at_end: Called when a test ends.
        debug_sql: Whether to send the queries that Django logs, for --debug-sql.
        adaptive: The limits of tests at their first try, in seconds, by their ids.
        full: The indices of tests that have had that try.
        careful: How many of the first tests wait a moment before they begin, so that the parent
            knows which one was running if the node is lost.
    """

    def __init__(
        self,
        *,
        send: Callable[[WorkerEvent], None],
        worker: int,
        indices: dict[int, int],
        folder: Path,
        limit: Limit | None = None,
        check: Callable[[str], None] = lambda _: None,
        tidy: Callable[[str], None] = lambda _: None,
        at_failure: Sequence[AtFailure] = (),
        at_end: Callable[[], None] = lambda: None,
        debug_sql: bool = False,
        adaptive: Mapping[str, float] = MappingProxyType({}),
        full: Collection[int] = (),
        careful: int = 0,
    ) -> None:
        super().__init__()
        self._careful = careful
        self._adaptive = adaptive
        self._full = set(full)
        self._pristine: dict[str, Any] | None = None
        self._retried: unittest.TestCase | None = None
        self._send = send
        self._worker = worker
        self._indices = indices
        self._folder = folder
        self._limit = limit
        self._check = check
        self._tidy = tidy
        self._failures = Failures(at_failure)
        self.setting_up: type | None = None
        self._at_end = at_end
        self._started = 0.0
        self._queries = QueryLog(enabled=debug_sql)
        self._last: unittest.TestCase | None = None

    def close(self) -> None:
        """Stop collecting Django's log."""
        self._queries.close()

    def startTest(self, test: unittest.TestCase) -> None:
        """See `unittest.TestResult`."""
        super().startTest(test)
        self._forget_last()
        self._queries.take()
        index = self._indices[id(test)]
        name = test.id()
        limit = limit_of_test(test, self._limit)
        short = None if index in self._full else self._adaptive.get(name)
        adaptive = short is not None and (limit is None or short < limit.seconds)
        if short is not None and adaptive:
            limit = Limit(short)
            self._pristine = dict(vars(test))
        queries_since_last_asked()
        self._started = alarm.clock()
        self._send(
            TestStarted(
                worker=self._worker,
                index=index,
                test_id=name,
                limit_seconds=None if limit is None else limit.seconds,
                idle_only=limit is not None and limit.idle_only,
                adaptive=adaptive,
            )
        )
        if self._careful:
            self._careful -= 1
            ORIGINALS.sleep(CAREFUL_SECONDS)
            self._started = alarm.clock()
        alarm.begin(limit, is_fixture=False)

    def take_retry(self) -> bool:
        """Return whether the last test gets another try, and if so, restore its attributes."""
        test, pristine = self._retried, self._pristine
        self._retried = self._pristine = None
        if test is None or pristine is None:
            return False
        vars(test).clear()
        vars(test).update(pristine)
        return True

    def has_ended(self, test: unittest.TestCase) -> bool:
        """Return whether a test is the last one that has started, and has ended."""
        return self._last is test

    def stopTest(self, test: unittest.TestCase) -> None:
        """See `unittest.TestResult`."""
        self._at_end()
        alarm.end()
        self._failures.forget()
        stdout, stderr = captured_by(self)
        super().stopTest(test)
        if sys.exc_info()[0] is not None:
            # An exception such as KeyboardInterrupt leaves the test and ends this worker; the
            # parent then reports the test as the one that was running.
            return
        if self._retried is not None:
            return
        # Django may still report on a test after it has stopped, if its teardown fails.
        self._last = test
        self._send(
            TestFinished(
                worker=self._worker,
                index=self._indices[id(test)],
                seconds=alarm.clock() - self._started,
                queries=self._queries.take(),
                query_count=queries_since_last_asked(),
                stdout=stdout,
                stderr=stderr,
            )
        )

    def addDuration(self, test: unittest.TestCase, elapsed: float) -> None:
        """See `unittest.TestResult`; ignores the time, as a test may have changed its clock."""
        del elapsed
        index = self._indices.get(id(test))
        seconds = alarm.clock() - self._started
        if index is not None and self._retried is None:
            self._send(TestDuration(worker=self._worker, index=index, seconds=seconds))

    def addSuccess(self, test: unittest.TestCase) -> None:
        """See `unittest.TestResult`."""
        self._report(test, OutcomeKind.SUCCESS)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        """See `unittest.TestResult`."""
        self._report(test, OutcomeKind.FAILURE, err=err)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        """See `unittest.TestResult`."""
        self._report(test, OutcomeKind.ERROR, err=err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """See `unittest.TestResult`."""
        self._report(test, OutcomeKind.SKIP, reason=message_of(reason))

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        """See `unittest.TestResult`."""
        self._report(test, OutcomeKind.EXPECTED_FAILURE, err=err)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        """See `unittest.TestResult`."""
        self._report(test, OutcomeKind.UNEXPECTED_SUCCESS)

    def addSubTest(
        self,
        test: unittest.TestCase,  # noqa: ARG002  # A subtest knows its test.
        subtest: unittest.TestCase,
        err: Any,
    ) -> None:
        """See `unittest.TestResult`; like there, a subtest that passed is not reported.

        Describing it would convert its parameters to text, which may run a query.
        """
        if err is not None:
            self._report(subtest, OutcomeKind.SUBTEST, err=err)

    def _report(
        self,
        test: Any,
        kind: OutcomeKind,
        *,
        err: ExceptionInfo | None = None,
        reason: str = "",
    ) -> None:
        is_subtest = hasattr(test, "_subDescription")
        owner = test.test_case if is_subtest else test
        subtest = description_of(test) if is_subtest else None
        problem, index = None, self._indices.get(id(owner))
        if err is not None:
            problem = problem_of(self, err, owner, test, self._folder)
            timed_out = issubclass(err[0], TestTimedOut)
            if timed_out and self._pristine is not None and self._retried is None:
                self._retry(owner)
            self._check(problem.text)
            if self._retried is None and kind is not OutcomeKind.EXPECTED_FAILURE:
                self._failures.meet(owner, index, err, problem)
            if timed_out:
                self._tidy(problem.text)
        if self._retried is not None:
            return
        if problem is not None:
            if kind is not OutcomeKind.EXPECTED_FAILURE:
                # Show what --buffer captured of a test that went wrong, as `TestResult` does.
                self._mirrorOutput = True
                if self.failfast:
                    self.stop()
        elif kind is OutcomeKind.UNEXPECTED_SUCCESS and self.failfast:
            self.stop()
        self._send(
            TestOutcome(
                worker=self._worker,
                index=index,
                test_id=owner.id(),
                kind=kind,
                subtest=subtest,
                reason=reason,
                problem=problem,
                queries=self._queries.take(),
            )
        )

    def notice(self, test: Any, error: ExceptionInfo) -> None:
        """See `NoticesErrors`."""
        if issubclass(error[0], TestTimedOut) and self._pristine is not None:
            return
        owner = test.test_case if hasattr(test, "_subDescription") else test
        problem = problem_of(self, error, owner, test, self._folder)
        self._check(problem.text)
        index = self._indices.get(id(owner))
        self._failures.meet(owner, index, error, problem)

    def _retry(self, test: unittest.TestCase) -> None:
        """Report that a test gets another try; reports on this try are dropped."""
        self._retried = test
        index = self._indices[id(test)]
        self._full.add(index)
        name = test.id()
        limit_seconds = self._adaptive[name]
        self._send(
            TestRetried(worker=self._worker, index=index, test_id=name, limit_seconds=limit_seconds)
        )

    def _forget_last(self) -> None:
        """Release the previous test; only now may another object get its `id()`."""
        if self._last is not None:
            self._indices.pop(id(self._last))
            self._last = None

    def _restoreStdout(self) -> None:
        """See `unittest.TestResult`; output that the terminal cannot encode is not shown."""
        try:
            super()._restoreStdout()  # type: ignore[misc]  # not public
        except UnicodeError:
            self._mirrorOutput = False
            super()._restoreStdout()  # type: ignore[misc]
