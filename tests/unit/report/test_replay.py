"""How events become reports on the tests of the parent."""

from __future__ import annotations

import unittest
from io import StringIO
from typing import Any

import pytest
from unit import sample_cases
from unit.replaying import PrintedResult, record

from ctest_containers.events import (
    OutcomeKind,
    Problem,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestStarted,
)
from ctest_containers.report.replay import ReplayReport, recorded


class Case(unittest.TestCase):
    """A test that is never run here."""

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """Give the test its name."""


class CallsResult(unittest.TestResult):
    """Notes in which order it is told what."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any]] = []

    def startTest(self, test: Any) -> None:  # noqa: N802  # unittest's name
        self.calls.append(("startTest", test))

    def stopTest(self, test: Any) -> None:  # noqa: N802  # unittest's name
        self.calls.append(("stopTest", test))

    def addSuccess(self, test: Any) -> None:  # noqa: N802  # unittest's name
        self.calls.append(("addSuccess", test))

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802  # unittest's name
        self.calls.append((f"addSkip {reason}", test))

    def addDuration(self, test: Any, elapsed: float) -> None:  # noqa: N802  # unittest's name
        self.calls.append((f"addDuration {elapsed}", test))

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802  # unittest's name
        self.calls.append((f"addError {err[0].__qualname__}", test.id()))


class QueriesResult(CallsResult):
    """Has a place for queries, as Django's result for --debug-sql has."""

    def __init__(self) -> None:
        super().__init__()
        self.debug_sql_stream = StringIO()


def _problem(*, is_failure: bool = False, type_name: str = "Outer.Inner") -> Problem:
    return Problem(
        type_name=type_name,
        module="somewhere",
        message="message",
        text="text\n",
        is_failure=is_failure,
    )


def test_the_events_of_a_test_are_replayed_together_when_it_has_ended() -> None:
    tests = [Case(), Case()]
    result = CallsResult()
    replay = ReplayReport(result, tests)

    replay.handle(TestStarted(worker=1, index=0, test_id=""), 0.0)
    replay.handle(TestStarted(worker=2, index=1, test_id=""), 0.0)
    replay.handle(TestOutcome(worker=1, index=0, test_id="", kind=OutcomeKind.SUCCESS), 0.0)
    replay.handle(
        TestOutcome(worker=2, index=1, test_id="", kind=OutcomeKind.SKIP, reason="why"), 0.0
    )
    before = list(result.calls)
    replay.handle(TestFinished(worker=2, index=1, seconds=0.0), 0.0)
    replay.handle(TestFinished(worker=1, index=0, seconds=0.0), 0.0)

    assert before == []
    assert result.calls == [
        ("startTest", tests[1]),
        ("addSkip why", tests[1]),
        ("stopTest", tests[1]),
        ("startTest", tests[0]),
        ("addSuccess", tests[0]),
        ("stopTest", tests[0]),
    ]


def test_a_report_on_a_fixture_is_replayed_at_once() -> None:
    result = CallsResult()
    replay = ReplayReport(result, [])

    replay.handle(
        TestOutcome(
            worker=1,
            index=None,
            test_id="setUpClass (shop.Tests)",
            kind=OutcomeKind.ERROR,
            problem=_problem(),
        ),
        0.0,
    )

    assert result.calls == [("addError Outer.Inner", "setUpClass (shop.Tests)")]


def test_a_duration_is_replayed_where_the_result_takes_it() -> None:
    tests = [Case()]
    result = CallsResult()
    replay = ReplayReport(result, tests)

    replay.handle(TestStarted(worker=1, index=0, test_id=""), 0.0)
    replay.handle(TestDuration(worker=1, index=0, seconds=2.5), 0.0)
    replay.handle(TestFinished(worker=1, index=0, seconds=0.0), 0.0)

    assert ("addDuration 2.5", tests[0]) in result.calls


def test_queries_are_written_where_the_result_looks_for_them() -> None:
    result = QueriesResult()
    replay = ReplayReport(result, [Case()])

    replay.handle(TestStarted(worker=1, index=0, test_id=""), 0.0)
    replay.handle(
        TestOutcome(worker=1, index=0, test_id="", kind=OutcomeKind.SUCCESS, queries="SELECT 1;"),
        0.0,
    )
    replay.handle(TestFinished(worker=1, index=0, seconds=0.0, queries="SELECT 2;"), 0.0)

    assert result.debug_sql_stream.getvalue() == "SELECT 1;SELECT 2;"


@pytest.mark.parametrize("is_failure", [False, True])
def test_a_recorded_exception_is_named_as_the_original(*, is_failure: bool) -> None:
    kind, error, trace = recorded(_problem(is_failure=is_failure), Case())

    assert (kind.__module__, kind.__qualname__) == ("somewhere", "Outer.Inner")
    assert issubclass(kind, AssertionError) is is_failure
    assert str(error) == "message"
    assert trace is None


def test_an_exception_of_the_parent_keeps_its_own_words() -> None:
    result = PrintedResult(failfast=False, buffer=False)
    ReplayReport(result, [])
    raised: Any = (KeyError, KeyError("raised here"), None)

    result.addError(Case(), raised)

    assert "KeyError: 'raised here'" in result.errors[0][1]


def test_a_test_that_is_not_in_the_run_any_more_is_let_go() -> None:
    """A worker's result knows a test only until it has ended, for its address is used again."""
    tests = sample_cases.make([sample_cases.Outcomes])

    events = record(tests)

    started = [event.index for event in events if isinstance(event, TestStarted)]
    finished = [event.index for event in events if isinstance(event, TestFinished)]
    assert started == finished == list(range(len(tests)))
