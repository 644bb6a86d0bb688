"""In whatever order the events of workers arrive, the same is left."""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from unit import sample_cases
from unit.replaying import PrintedResult, record

from ctest_containers.events import WorkerEvent
from ctest_containers.report.replay import ReplayReport
from ctest_containers.report.verdicts import VerdictReport

CLASSES = (
    [sample_cases.SubTests, sample_cases.BrokenTearDownClass],
    [sample_cases.Fixtures, sample_cases.BrokenSetUpClass, sample_cases.SkippedClass],
)
TESTS = [sample_cases.make(classes) for classes in CLASSES]
ALL_TESTS = [test for tests in TESTS for test in tests]


@cache
def _recorded() -> tuple[list[WorkerEvent], ...]:
    """What two workers send."""
    first = record([*TESTS[0]], worker=1)
    return first, record([*TESTS[1]], worker=2, first=len(TESTS[0]))


class OrderedResult(PrintedResult):
    """Notes which test is running whenever something is reported."""

    def __init__(self) -> None:
        super().__init__(failfast=False, buffer=False, verbosity=0)
        self.running: unittest.TestCase | None = None
        self.strays: list[Any] = []

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802  # unittest's name
        if self.running is not None:
            self.strays.append(test)
        self.running = test
        super().startTest(test)

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802  # unittest's name
        super().stopTest(test)
        self.running = None

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802  # unittest's name
        if test is not self.running:
            self.strays.append(test)
        super().addSuccess(test)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802  # unittest's name
        if test is not self.running:
            self.strays.append(test)
        super().addSubTest(test, subtest, err)


def _left(
    events: Sequence[WorkerEvent], *, reruns: bool = False
) -> tuple[OrderedResult, list[Counter[Any]]]:
    result = OrderedResult()
    replay = ReplayReport(result, ALL_TESTS)
    verdicts = VerdictReport(replay)
    for event in events:
        (verdicts if reruns else replay).handle(event, 0.0)
    verdicts.finish()
    outcome = result.outcome()
    return result, [
        Counter(outcome.failures),
        Counter(outcome.errors),
        Counter(outcome.skipped),
        Counter(outcome.expected_failures),
        Counter(outcome.unexpected_successes),
        Counter({"run": outcome.run}),
    ]


@given(st.data())
def test_events_of_two_workers_may_be_mixed_in_any_way(data: st.DataObject) -> None:
    one, two = _recorded()
    _, expected = _left([*one, *two])
    turns = data.draw(st.permutations([1] * len(one) + [2] * len(two)))
    queues = {1: iter(one), 2: iter(two)}

    reruns = data.draw(st.booleans())
    result, left = _left([next(queues[turn]) for turn in turns], reruns=reruns)

    assert expected == left
    assert result.strays == []
