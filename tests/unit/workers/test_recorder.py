"""What a worker's result sends."""

from __future__ import annotations

import logging
import unittest

import pytest
from unit import sample_cases
from unit.replaying import record

from ctest_containers.events import (
    OutcomeKind,
    TestFinished,
    TestOutcome,
    TestStarted,
    WorkerEvent,
)
from ctest_containers.workers.recorder import RecordingResult


def _outcomes(case: type[unittest.TestCase], name: str) -> list[TestOutcome]:
    tests = [test for test in sample_cases.make([case]) if test._testMethodName == name]
    return [event for event in record(tests) if isinstance(event, TestOutcome)]


def test_a_test_is_named_by_its_place_and_its_id() -> None:
    [test] = sample_cases.make([sample_cases.BrokenTearDownClass])

    events = record([test], worker=3, first=7)

    assert events[0] == TestStarted(worker=3, index=7, test_id=test.id())


def test_an_outcome_stands_between_start_and_end() -> None:
    tests = sample_cases.make([sample_cases.SkippedClass])

    kinds = [type(event) for event in record(tests) if type(event).__name__ != "TestDuration"]

    assert kinds == [TestStarted, TestOutcome, TestFinished]


def test_an_exception_is_described() -> None:
    [outcome] = _outcomes(sample_cases.Outcomes, "test_error_that_cannot_be_pickled")

    problem = outcome.problem
    assert outcome.kind is OutcomeKind.ERROR
    assert problem is not None
    assert problem.type_name == "UnpicklableError"
    assert problem.module == sample_cases.__name__
    assert problem.message == "holds a function"
    assert problem.text.startswith("Traceback (most recent call last):\n")
    assert not problem.is_failure


def test_a_local_class_is_named_with_the_place_where_it_stands() -> None:
    [outcome] = _outcomes(sample_cases.Outcomes, "test_error_of_a_local_class")

    assert outcome.problem is not None
    assert outcome.problem.type_name.endswith("<locals>.LocalError")


def test_a_message_that_cannot_be_had_is_replaced() -> None:
    [outcome] = _outcomes(sample_cases.Outcomes, "test_error_that_cannot_be_shown")

    assert outcome.problem is not None
    assert outcome.problem.message == "<its message cannot be shown: ZeroDivisionError>"


def test_a_fixture_has_no_place_in_the_run() -> None:
    tests = sample_cases.make([sample_cases.BrokenSetUpClass])

    [event] = record(tests)

    assert isinstance(event, TestOutcome)
    assert event.index is None
    assert event.test_id.startswith("setUpClass (")


def test_a_part_tells_its_description() -> None:
    outcomes = _outcomes(sample_cases.SubTests, "test_failing_parts")

    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.SUBTEST] * 2
    assert outcomes[0].subtest == "[part] (number=1, text='\\udcff')"


def test_captured_output_is_shown_for_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    tests = sample_cases.make([sample_cases.Outcomes])
    [test] = [one for one in tests if one._testMethodName == "test_print_and_fail"]
    events: list[WorkerEvent] = []
    result = RecordingResult(send=events.append, worker=1, indices={id(test): 0})
    result.buffer = True

    test.run(result)

    assert "to stdout" in capsys.readouterr().out


def test_queries_are_sent_with_the_report_when_they_are_asked_for() -> None:
    logger = logging.getLogger("django.db.backends")
    level = logger.level
    events: list[WorkerEvent] = []
    [test] = sample_cases.make([sample_cases.Queries])
    result = RecordingResult(send=events.append, worker=1, indices={id(test): 0}, debug_sql=True)

    test.run(result)
    result.close()

    logger.setLevel(level)
    assert [event.queries for event in events if isinstance(event, TestOutcome)] == ["SELECT 1\n"]
    assert logger.handlers == []


def test_queries_are_not_sent_when_they_are_not_asked_for() -> None:
    [test] = sample_cases.make([sample_cases.Queries])

    outcomes = [event for event in record([test]) if isinstance(event, TestOutcome)]

    assert [outcome.queries for outcome in outcomes] == [""]
