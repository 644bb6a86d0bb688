"""A test that runs many times is reported once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from unit.report.making import events_of_test

from ctest_containers.events import (
    BatchFinished,
    Event,
    FixtureStarted,
    OutcomeKind,
    RunTimedOut,
    StressProgressed,
    TestOutcome,
    TestRetried,
    TestStarted,
)
from ctest_containers.report.record import Status
from ctest_containers.report.recording import record_of
from ctest_containers.report.repeated import RepeatedTests

TESTS = ("shop.Cart.test_a", "shop.Cart.test_b")
PASSED, FAILED = OutcomeKind.SUCCESS, OutcomeKind.FAILURE


@pytest.fixture
def reported() -> list[Event]:
    """What reports have seen, without progress."""
    return []


@pytest.fixture
def repeated(reported: list[Event]) -> RepeatedTests:
    """Two tests, which have the order of their indices in every round."""

    def report(event: Event) -> None:
        if not isinstance(event, StressProgressed):
            reported.append(event)

    return RepeatedTests(report, lambda index: divmod(index, len(TESTS)), of_rounds=0)


def _attempt(index: int, round_number: int, kind: OutcomeKind = PASSED) -> list[Event]:
    place = round_number * len(TESTS) + index
    return events_of_test(place, TESTS[index], kind, text=f"in round {round_number}")


def _take(repeated: RepeatedTests, *attempts: Sequence[Event]) -> None:
    for events in attempts:
        for event in events:
            repeated.handle(event)


def _statuses(reported: list[Event]) -> list[Status]:
    run = record_of([(0.0, event) for event in reported])
    return [run.tests[index].status for index in sorted(run.tests)]


def test_each_test_is_reported_once_and_fails_if_an_attempt_did(
    repeated: RepeatedTests, reported: list[Event]
) -> None:
    for round_number in (1, 2, 3):
        failed = FAILED if round_number > 1 else PASSED
        _take(repeated, _attempt(0, round_number), _attempt(1, round_number, failed))

    repeated.finish()

    assert [event.index for event in reported if isinstance(event, TestStarted)] == [1, 0]
    assert _statuses(reported) == [Status.PASSED, Status.FAILED]
    texts = [
        event.problem.text for event in reported if isinstance(event, TestOutcome) if event.problem
    ]
    assert texts == ["in round 2"]


def test_a_failure_is_reported_at_once(repeated: RepeatedTests, reported: list[Event]) -> None:
    _take(repeated, _attempt(0, 1), _attempt(1, 1, FAILED))

    assert _statuses(reported) == [Status.FAILED]


def test_an_error_after_the_end_of_a_test_makes_its_attempt_fail(
    repeated: RepeatedTests, reported: list[Event]
) -> None:
    late = _attempt(0, 1, OutcomeKind.ERROR)[1]

    _take(repeated, [*_attempt(0, 1), late])
    repeated.finish()

    (test,) = repeated.statistics.failures()
    assert (test.passed, test.failed, repeated.statistics.attempts) == (0, 1, 1)
    assert _statuses(reported) == [Status.ERROR]


def test_a_test_that_fails_and_whose_teardown_fails_has_failed_once(
    repeated: RepeatedTests,
) -> None:
    late = _attempt(0, 1, OutcomeKind.ERROR)[1]

    _take(repeated, [*_attempt(0, 1, FAILED), late])
    repeated.finish()

    (test,) = repeated.statistics.failures()
    assert (test.passed, test.failed) == (0, 1)
    assert (repeated.statistics.attempts, repeated.statistics.failed) == (1, 1)


def test_an_error_before_the_start_of_a_test_is_an_attempt(
    repeated: RepeatedTests, reported: list[Event]
) -> None:
    early = _attempt(0, 2, OutcomeKind.ERROR)[1]

    _take(repeated, _attempt(0, 1), [early])
    repeated.finish()

    (test,) = repeated.statistics.failures()
    assert (test.passed, test.failed, repeated.statistics.attempts) == (1, 1, 2)
    assert _statuses(reported) == [Status.ERROR]


def test_a_fixture_that_fails_in_every_round_is_reported_once(
    repeated: RepeatedTests, reported: list[Event]
) -> None:
    event = _attempt(0, 1, OutcomeKind.ERROR)[1]
    assert isinstance(event, TestOutcome)
    fixture = replace(event, index=None, test_id="setUpClass (shop.Cart)")
    for round_number in (1, 2, 3):
        repeated.entered(1, round_number)
        repeated.handle(fixture)

    (test,) = repeated.statistics.failures()
    assert reported == [fixture]
    assert (test.failed, test.failures[0].rounds) == (3, (1, 2, 3))


def test_a_try_that_is_given_up_is_no_attempt(
    repeated: RepeatedTests, reported: list[Event]
) -> None:
    started, *rest = _attempt(0, 1)
    retried = TestRetried(worker=1, index=2, test_id=TESTS[0], limit_seconds=1.0)

    _take(repeated, [started, retried, started, *rest])
    repeated.finish()

    assert repeated.statistics.attempts == 1
    assert _statuses(reported) == [Status.PASSED]


def test_a_test_that_time_did_not_allow_counts_only_if_it_never_ran(
    repeated: RepeatedTests, reported: list[Event]
) -> None:
    _take(repeated, _attempt(0, 1))
    repeated.handle(RunTimedOut(limit_seconds=1.0))
    for index in (0, 1):
        place = 2 * len(TESTS) + index
        kind = OutcomeKind.ERROR
        _take(repeated, events_of_test(place, TESTS[index], kind, text="Not run: time is up."))

    repeated.finish()

    assert _statuses(reported) == [Status.PASSED, Status.ERROR]


def test_what_happens_in_every_round_is_not_reported(
    repeated: RepeatedTests, reported: list[Event]
) -> None:
    for batch in range(1000):
        repeated.handle(FixtureStarted(worker=1, fixture="setUpClass (shop.Cart)"))
        repeated.handle(BatchFinished(worker=1, batch=batch, seconds=1.0, memory_bytes=7))

    assert len(reported) == 1
