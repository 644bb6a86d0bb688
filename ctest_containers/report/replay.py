"""Replays what happened in workers into the result of the parent's own unittest run.

So whatever result class a project uses, Django's own among them, sees what it would have seen in
a serial run: the reports on one test together, in their order, without those of another between.
"""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from typing import Any

from ctest_containers.events import (
    Event,
    OutcomeKind,
    Problem,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
)


class RecordedError(Exception):
    """Stands for an exception that was raised in a worker; its report is already written."""

    def __init__(self, problem: Problem) -> None:
        # Not `super()`: a project's own kind of assertion may want other arguments.
        Exception.__init__(self, problem.message)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem.message


class RecordedSubTest(unittest.case._SubTest):  # type: ignore[name-defined,misc]
    """Stands for a subtest of a worker, by the description that it gave of itself."""

    def __init__(self, test: unittest.TestCase, description: str) -> None:
        super().__init__(test, description, {})
        self._description = description

    def _subDescription(self) -> str:
        return self._description


class ReplayReport:
    """Feeds a `unittest.TestResult` with the events of workers.

    Args:
        result: The result of the parent's run; its wording of errors is replaced by the recorded
            one for as long as it lives.
        tests: The tests of the run by their place.
    """

    def __init__(self, result: unittest.TestResult, tests: Sequence[unittest.TestCase]) -> None:
        private: Any = result
        self._result = private
        self._tests = tests
        self._held: dict[int, list[Event]] = {}
        worded = private._exc_info_to_string

        def recorded_or_worded(err: Any, test: Any) -> Any:
            if isinstance(err[1], RecordedError):
                return err[1].problem.text
            return worded(err, test)

        private._exc_info_to_string = recorded_or_worded

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # It tells no times.
        """See `Report`."""
        match event:
            case TestStarted(worker=worker):
                self._held[worker] = [event]
            case TestOutcome(worker=worker) | TestDuration(worker=worker):
                # Django reports some errors before a test has started, or after it has stopped.
                if worker in self._held and getattr(event, "index", None) is not None:
                    self._held[worker].append(event)
                else:
                    self._replay(event)
            case TestRetried(worker=worker):
                self._held.pop(worker, None)
            case TestFinished(worker=worker):
                # Python 3.12.1 stops a skipped test that it has not started.
                for held in [*self._held.pop(worker, ()), event]:
                    self._replay(held)
            case _:
                pass

    def _replay(self, event: Event) -> None:
        result = self._result
        match event:
            case TestStarted(index=index):
                result.startTest(self._tests[index])
            case TestFinished(index=index, queries=queries):
                self._write_queries(queries)
                result.stopTest(self._tests[index])
            case TestDuration(index=index, seconds=seconds):
                result.addDuration(self._tests[index], seconds)
            case TestOutcome():
                self._write_queries(event.queries)
                self._report(event)
            case _:
                pass

    def _report(self, event: TestOutcome) -> None:
        owner: Any = (
            unittest.suite._ErrorHolder(event.test_id)  # type: ignore[attr-defined]  # not public
            if event.index is None
            else self._tests[event.index]
        )
        subject = owner if event.subtest is None else RecordedSubTest(owner, event.subtest)
        err = None if event.problem is None else recorded(event.problem, owner)
        handler = getattr(self._result, event.kind.value)
        match event.kind:
            case OutcomeKind.SUCCESS | OutcomeKind.UNEXPECTED_SUCCESS:
                handler(subject)
            case OutcomeKind.SKIP:
                handler(subject, event.reason)
            case OutcomeKind.SUBTEST:
                handler(owner, subject, err)
            case _:
                handler(subject, err)

    def _write_queries(self, queries: str) -> None:
        """Let --debug-sql show the worker's queries where it would show the parent's."""
        stream = getattr(self._result, "debug_sql_stream", None)
        if stream is not None and queries:
            stream.seek(0, 2)
            stream.write(queries)


def recorded(
    problem: Problem, test: unittest.TestCase
) -> tuple[type[RecordedError], RecordedError, None]:
    """What `sys.exc_info()` would give, as far as it can be told.

    The exception is of a class with the original's name, and an assertion of the test's own kind
    where the original was one, for that is how unittest tells failures from errors.
    """
    failure = getattr(test, "failureException", None) or AssertionError
    kind = _class_like(problem, failure if problem.is_failure else None)
    return kind, kind(problem), None


def _class_like(problem: Problem, failure: type[BaseException] | None) -> type[RecordedError]:
    bases: tuple[type, ...] = (RecordedError,) if failure is None else (RecordedError, failure)
    namespace = {"__module__": problem.module, "__qualname__": problem.type_name}
    try:
        return type(problem.type_name.rpartition(".")[2], bases, namespace)
    except TypeError:
        # Some classes cannot be inherited from beside another one.
        return _class_like(problem, None if failure is AssertionError else AssertionError)
