"""Statistics of tests that run many times."""

from __future__ import annotations

import random
import statistics
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.events import OutcomeKind, Problem, TestOutcome
from ctest_containers.report.attempts import ROUNDS, WAYS, Durations, Statistics

SECONDS = st.floats(min_value=1e-5, max_value=1e4)


def _outcome(test_id: str, message: str = "", line: int = 7) -> TestOutcome:
    problem = Problem(
        type_name="AssertionError",
        module="builtins",
        message=message,
        text=f"Traceback of {message}",
        is_failure=True,
        file="shop/tests.py",
        line=line,
    )
    return TestOutcome(
        worker=1,
        index=0,
        test_id=test_id,
        kind=OutcomeKind.FAILURE if message else OutcomeKind.SUCCESS,
        problem=problem if message else None,
    )


def test_attempts_are_counted_by_test() -> None:
    counted = Statistics()
    for round_number in range(1, 5):
        counted.add([_outcome("a", "odd" if round_number % 2 else "")], round_number, 0.1)
        counted.add([_outcome("b")], round_number, 0.1)

    (test,) = counted.failures()

    assert (counted.attempts, counted.failed) == (8, 2)
    assert (test.test_id, test.passed, test.failed, test.skipped) == ("a", 2, 2, 0)


def test_failures_of_one_kind_are_grouped_with_the_rounds_and_the_first_report() -> None:
    counted = Statistics()
    for round_number, message in enumerate(["x\nof one", "y", "x\nof two"], start=1):
        counted.add([_outcome("a", message)], round_number, 0.1)
    counted.add([_outcome("a", "x", line=8)], 4, 0.1)

    failures = counted.failures()[0].failures

    assert [(failure.message, failure.line, failure.rounds) for failure in failures] == [
        ("x", 7, (1, 3)),
        ("y", 7, (2,)),
        ("x", 8, (4,)),
    ]
    assert failures[0].text == "Traceback of x\nof one"


def test_an_attempt_with_several_failed_subtests_fails_once() -> None:
    counted = Statistics()

    counted.add([_outcome("a", "x"), _outcome("a", "x"), _outcome("a", "y")], 1, 0.1)

    (test,) = counted.failures()
    assert (counted.failed, test.failed) == (1, 1)
    assert [failure.count for failure in test.failures] == [1, 1]


def test_crashes_of_different_workers_are_one_kind_of_failure() -> None:
    counted = Statistics()
    for worker in (1, 2):
        problem = Problem(
            type_name="WorkerLost",
            module="ctest_containers",
            message=f"Worker {worker} ended with exit code 1 while it ran this test.",
            text="",
            is_failure=False,
        )
        outcome = TestOutcome(
            worker=worker, index=0, test_id="a", kind=OutcomeKind.ERROR, problem=problem
        )
        counted.add([outcome], worker, 0.1)

    (failure,) = counted.failures()[0].failures

    assert failure.message == "The worker ended with exit code 1 while it ran this test."


def test_the_least_reliable_test_comes_first() -> None:
    counted = Statistics()
    for round_number in range(1, 11):
        counted.add([_outcome("seldom", "x" if round_number == 1 else "")], round_number, 0.1)
        counted.add([_outcome("often", "x" if round_number < 9 else "")], round_number, 0.1)

    assert [test.test_id for test in counted.failures()] == ["often", "seldom"]


@given(st.lists(SECONDS, min_size=1))
def test_durations_have_exact_ends_and_a_median_within_3_percent(seconds: list[float]) -> None:
    durations = Durations()
    for value in seconds:
        durations.add(value)

    exact = statistics.median_low(seconds)

    assert (durations.least, durations.most) == (min(seconds), max(seconds))
    assert abs(durations.median - exact) <= 0.03 * exact


def test_the_slowest_and_the_most_variable_tests_are_listed() -> None:
    counted = Statistics()
    for number in range(20):
        for seconds in (0.1 * number, 0.1 * number, 9.0 if number == 3 else 0.1 * number):
            counted.add([_outcome(f"test_{number}")], 1, seconds)

    listed = [row.test_id for row in counted.durations()]

    assert listed[:6] == ["test_19", "test_18", "test_17", "test_16", "test_15", "test_3"]


def _memory_after(rounds: int) -> int:
    counted, source = Statistics(), random.Random(1)
    tracemalloc.start()
    for round_number in range(1, rounds + 1):
        for number in range(10):
            # Every failure has another message, which is the worst case.
            message = str(source.random()) if number == 0 else ""
            counted.add(
                [_outcome(f"test_{number}", message)], round_number, source.uniform(0.01, 0.1)
            )
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def test_memory_does_not_grow_with_the_number_of_rounds() -> None:
    few, many = _memory_after(1000), _memory_after(4000)

    assert many < 1.1 * few


def test_what_is_kept_of_failures_is_limited() -> None:
    counted = Statistics()
    for round_number in range(1, 100):
        counted.add([_outcome("a", "same")], round_number, 0.1)
        counted.add([_outcome("b", f"message {round_number}")], round_number, 0.1)

    same, other = counted.failures()

    assert same.failures[0].count == 99
    assert same.failures[0].rounds == tuple(range(1, ROUNDS + 1))
    assert (len(other.failures), other.further) == (WAYS, 99 - WAYS)
