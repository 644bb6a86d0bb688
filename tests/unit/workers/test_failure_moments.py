"""What is called at the moment of a failure finds everything as the test left it."""

from __future__ import annotations

import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import TestCase

from ctest_containers.events import TestFinished, TestOutcome
from ctest_containers.workers.failure_moments import (
    FailureMoment,
    noticed,
    noticing_class_fixtures,
)
from ctest_containers.workers.recorder import RecordingResult

SEEN: list[str] = []


def _run(case: type[unittest.TestCase], act: Callable[[FailureMoment], None]) -> list[Any]:
    SEEN.clear()
    tests = list(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    sent: list[Any] = []
    result = RecordingResult(
        send=sent.append,
        worker=1,
        indices={id(test): index for index, test in enumerate(tests)},
        folder=Path.cwd(),
        at_failure=[act],
    )
    with noticed(result):
        unittest.TestSuite(tests).run(result)
    return sent


def _note(moment: FailureMoment) -> None:
    SEEN.append(f"failed: {moment.problem.type_name} in {moment.test_id.rpartition('.')[2]}")


class Failing(unittest.TestCase):
    """Fails, and tears itself down."""

    __test__ = False

    def setUp(self) -> None:
        """Register a cleanup."""
        self.addCleanup(SEEN.append, "cleaned up")

    def tearDown(self) -> None:
        """Note that it was called."""
        SEEN.append("torn down")

    def test_a(self) -> None:
        """Fail."""
        self.fail("as it should")


def test_a_failure_is_met_before_anything_is_torn_down() -> None:
    sent = _run(Failing, _note)

    assert SEEN == ["failed: AssertionError in test_a", "torn down", "cleaned up"]
    assert [event.kind.name for event in sent if isinstance(event, TestOutcome)] == ["FAILURE"]


class FailingTwice(unittest.TestCase):
    """Fails, and its tearDown fails, too."""

    __test__ = False

    def tearDown(self) -> None:
        """Fail."""
        raise ValueError("second")

    def test_a(self) -> None:
        """Fail."""
        self.fail("first")


def test_each_error_of_a_test_is_met_once() -> None:
    _run(FailingTwice, _note)

    assert SEEN == ["failed: AssertionError in test_a", "failed: ValueError in test_a"]


class Subtests(unittest.TestCase):
    """Has two failing subtests."""

    __test__ = False

    def test_a(self) -> None:
        """Fail twice, and go on."""
        for number in range(3):
            with self.subTest(number=number):
                SEEN.append(f"subtest {number}")
                assert number % 2 == 1


def test_a_failing_subtest_is_met_before_the_next_one_begins() -> None:
    _run(Subtests, _note)

    assert SEEN == [
        "subtest 0",
        "failed: AssertionError in test_a",
        "subtest 1",
        "subtest 2",
        "failed: AssertionError in test_a",
    ]


class ExpectedFailure(unittest.TestCase):
    """Fails as expected, is skipped, and passes."""

    __test__ = False

    @unittest.expectedFailure
    def test_a(self) -> None:
        """Fail as expected."""
        self.fail("expected")

    def test_b(self) -> None:
        """Skip."""
        self.skipTest("for a reason")

    def test_c(self) -> None:
        """Pass."""


def test_what_is_no_failure_is_not_met() -> None:
    _run(ExpectedFailure, _note)

    assert SEEN == []


class FailingFixture(unittest.TestCase):
    """Has a fixture that fails."""

    __test__ = False

    @classmethod
    def setUpClass(cls) -> None:
        """Fail."""
        raise ValueError("fixture")

    def test_a(self) -> None:
        """Never run."""


def test_a_failing_fixture_is_met() -> None:
    met: list[FailureMoment] = []

    _run(FailingFixture, met.append)

    [moment] = met
    assert moment.index is None
    assert moment.test_id.startswith("setUpClass (")


def test_the_time_that_keeping_takes_is_not_that_of_the_test() -> None:
    sent = _run(Failing, lambda _: time.sleep(0.5))

    [finished] = [event for event in sent if isinstance(event, TestFinished)]
    assert finished.seconds < 0.4


def test_the_fixture_of_a_class_that_a_test_makes_is_not_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TestCase, "_rollback_atomics", classmethod(lambda *_: None))
    noticed_errors: list[Any] = []

    class Result:
        setting_up: type | None = None

        def notice(self, test: Any, error: Any) -> None:
            noticed_errors.append((test, error))

    result = Result()
    with noticing_class_fixtures(result):
        for setting_up in (None, TestCase):
            result.setting_up = setting_up
            try:
                raise ValueError("in setUpTestData")
            except ValueError:
                TestCase._rollback_atomics({})  # type: ignore[attr-defined]

    [(test, error)] = noticed_errors
    assert test.id() == "setUpClass (django.test.testcases.TestCase)"
    assert isinstance(error[1], ValueError)
