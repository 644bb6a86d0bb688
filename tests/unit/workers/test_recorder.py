"""What a worker's result sends."""

from __future__ import annotations

import inspect
import logging
import os
import signal
import threading
import unittest
from collections.abc import Collection
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from unit import sample_cases
from unit.replaying import record

from ctest_containers.events import (
    OutcomeKind,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
    WorkerEvent,
)
from ctest_containers.limits import Limit
from ctest_containers.workers import alarm
from ctest_containers.workers.recorder import RecordingResult
from ctest_containers.workers.suite import TimedSuite


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
    result = RecordingResult(send=events.append, worker=1, indices={id(test): 0}, folder=Path.cwd())
    result.buffer = True

    test.run(result)

    assert "to stdout" in capsys.readouterr().out


def test_queries_are_sent_with_the_report_when_they_are_asked_for() -> None:
    logger = logging.getLogger("django.db.backends")
    level = logger.level
    events: list[WorkerEvent] = []
    [test] = sample_cases.make([sample_cases.Queries])
    result = RecordingResult(
        send=events.append, worker=1, indices={id(test): 0}, folder=Path.cwd(), debug_sql=True
    )

    test.run(result)
    result.close()

    logger.setLevel(level)
    assert [event.queries for event in events if isinstance(event, TestOutcome)] == ["SELECT 1\n"]
    assert logger.handlers == []


def test_queries_are_not_sent_when_they_are_not_asked_for() -> None:
    [test] = sample_cases.make([sample_cases.Queries])

    outcomes = [event for event in record([test]) if isinstance(event, TestOutcome)]

    assert [outcome.queries for outcome in outcomes] == [""]


def _run_adaptively(full: Collection[int] = ()) -> list[WorkerEvent]:
    sample_cases.SlowOnce.tries = 0
    events: list[WorkerEvent] = []
    test = sample_cases.SlowOnce()
    result = RecordingResult(
        send=events.append,
        worker=1,
        indices={id(test): 5},
        folder=Path.cwd(),
        limit=Limit(0.5),
        adaptive={test.id(): 0.05},
        full=full,
    )
    suite = TimedSuite(
        [test], worker=1, limit=None, send=lambda _: None, take_retry=result.take_retry
    )
    assert alarm.INTERRUPT_SIGNAL is not None
    before = signal.getsignal(alarm.INTERRUPT_SIGNAL)
    alarm.interrupt_on_signal()
    # What the parent does when the time is up.
    timer = threading.Timer(0.06, os.kill, (os.getpid(), alarm.INTERRUPT_SIGNAL))
    timer.start()
    suite.run(result)
    timer.join()
    signal.signal(alarm.INTERRUPT_SIGNAL, before)
    return [event for event in events if not isinstance(event, TestDuration)]


def test_a_test_that_runs_into_its_adaptive_limit_gets_one_more_try_with_the_full_one() -> None:
    events = _run_adaptively()

    starts = [event for event in events if isinstance(event, TestStarted)]
    assert [(one.adaptive, one.limit_seconds) for one in starts] == [(True, 0.05), (False, 0.5)]
    # What was reported before it was too late is void: it stands before the second start.
    retried = next(place for place, one in enumerate(events) if isinstance(one, TestRetried))
    assert [type(one) for one in events[retried:]] == [
        TestRetried,
        TestStarted,
        TestOutcome,
        TestFinished,
    ]
    assert [one.kind for one in events[retried:] if isinstance(one, TestOutcome)] == [
        OutcomeKind.SUCCESS
    ]


def test_a_test_that_has_had_its_try_runs_with_the_full_limit() -> None:
    events = _run_adaptively(full=[5])

    assert isinstance(events[0], TestStarted)
    assert (events[0].adaptive, events[0].limit_seconds) == (False, 0.5)
    assert not any(isinstance(event, TestRetried) for event in events)


def test_a_limit_of_its_own_that_is_shorter_than_its_history_is_kept() -> None:
    [test] = sample_cases.make([sample_cases.BrokenTearDownClass])
    events: list[WorkerEvent] = []
    result = RecordingResult(
        send=events.append,
        worker=1,
        indices={id(test): 0},
        folder=Path.cwd(),
        limit=Limit(3.0),
        adaptive={test.id(): 8.0},
    )

    test.run(result)

    assert isinstance(events[0], TestStarted)
    assert (events[0].adaptive, events[0].limit_seconds) == (False, 3.0)


def test_output_that_cannot_be_encoded_is_no_end_of_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With --buffer, unittest itself shows what a test that failed has printed."""
    monkeypatch.setattr("sys.stdout", TextIOWrapper(BytesIO(), encoding="utf-8"))
    [test] = sample_cases.make([sample_cases.PrintsAnything])
    events: list[WorkerEvent] = []
    result = RecordingResult(send=events.append, worker=1, indices={id(test): 0}, folder=Path.cwd())
    result.buffer = True

    test.run(result)

    finished = events[-1]
    assert isinstance(finished, TestFinished)
    assert finished.stdout == "half a character: \ud800\n"


def test_where_a_test_failed_is_told_by_file_and_line() -> None:
    """The line in the test, not that of the assertion in the library."""
    (outcome,) = _outcomes(sample_cases.PrintsAnything, "test_fails")

    assert outcome.problem is not None
    assert Path(outcome.problem.file).name == "sample_cases.py"
    lines = inspect.getsourcelines(sample_cases.PrintsAnything.test_fails)
    assert outcome.problem.line == lines[1] + 2
