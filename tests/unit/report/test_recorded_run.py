"""A run in a worker, replayed in the parent, leaves what a serial run leaves."""

from __future__ import annotations

import unittest
from collections.abc import Sequence

import pytest
from unit import sample_cases
from unit.replaying import record, recorded, serial

from ctest_containers.events import TestOutcome

Cases = Sequence[type[unittest.TestCase]]

EACH_CASE = pytest.mark.parametrize("case", sample_cases.CASES, ids=lambda case: case.__name__)
EACH_TEST = pytest.mark.parametrize("test", sample_cases.make(sample_cases.CASES), ids=str)


def _only(test: unittest.TestCase) -> Cases:
    """The class of a test, with no other test in it."""
    case = type(test)
    others = {name: None for name in vars(case) if name.startswith("test")}
    name = test._testMethodName
    namespace = {**others, name: getattr(case, name), "__module__": case.__module__}
    return [type(case.__name__, (case,), namespace)]


@EACH_CASE
@pytest.mark.parametrize("buffer", [False, True])
@pytest.mark.parametrize("failfast", [False, True])
def test_a_class_leaves_what_a_serial_run_leaves(
    case: type[unittest.TestCase], *, buffer: bool, failfast: bool
) -> None:
    expected = serial([case], buffer=buffer, failfast=failfast)

    assert expected == recorded([case], buffer=buffer, failfast=failfast)


@EACH_TEST
@pytest.mark.parametrize("buffer", [False, True])
def test_a_test_leaves_what_a_serial_run_leaves(test: unittest.TestCase, *, buffer: bool) -> None:
    """With failfast, and a test to follow: each outcome alone decides whether the run goes on."""
    cases = [*_only(test), sample_cases.Passes]
    expected = serial(cases, failfast=True, buffer=buffer)

    assert expected == recorded(cases, failfast=True, buffer=buffer)


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_all_classes_leave_what_a_serial_run_leaves(verbosity: int) -> None:
    expected = serial(sample_cases.CASES, verbosity=verbosity)

    assert expected == recorded(sample_cases.CASES, verbosity=verbosity)


def test_the_samples_have_every_outcome() -> None:
    """A comparison of nothing with nothing would prove nothing."""
    outcome = serial(sample_cases.CASES)

    assert outcome.run > 30
    assert all(
        [
            outcome.failures,
            outcome.errors,
            outcome.skipped,
            outcome.expected_failures,
            outcome.unexpected_successes,
        ]
    )


class _Shown:
    """A parameter that knows whether it was shown."""

    def __init__(self) -> None:
        self.times = 0

    def __repr__(self) -> str:
        self.times += 1
        return "shown"


def test_the_parameters_of_a_part_that_passed_are_not_shown() -> None:
    shown = _Shown()

    class Case(unittest.TestCase):
        def test_parts(self) -> None:
            for number in range(3):
                with self.subTest(number=number, parameter=shown):
                    pass

    events = record(sample_cases.make([Case]))

    assert shown.times == 0
    assert [event.subtest for event in events if isinstance(event, TestOutcome)] == [None]


def test_a_part_whose_parameters_cannot_be_shown_is_still_reported() -> None:
    """A serial run would end here with the error of the parameter."""

    class Case(unittest.TestCase):
        def test_part(self) -> None:
            with self.subTest(parameter=sample_cases.Unshowable()):
                self.fail("in a part")

    outcome = recorded([Case])

    assert len(outcome.failures) == 1
    assert "(its parameters cannot be shown: ZeroDivisionError)" in outcome.failures[0][0]
