"""Which classes are split, and how long a run is expected to take."""

from __future__ import annotations

import unittest
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.session import long_cases

from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.session.schedule import predict, split_long, worth_it
from ctest_containers.timings import Timing, Timings


def _batches(*kinds: type[unittest.TestCase]) -> list[Batch]:
    tests = [kind(name) for kind in kinds for name in unittest.TestLoader().getTestCaseNames(kind)]
    return make_batches(tests, ())


def _timings(batches: list[Batch], seconds: Mapping[str, float], fixtures: float = 0.0) -> Timings:
    tests = [test for batch in batches for test in batch.tests]
    names = {test.id(): seconds[test.id().rpartition(".")[2]] for test in tests}
    return Timings(
        tests={name: Timing(one, 1, "2026-01-31") for name, one in names.items()},
        classes={
            batch.tests[0].id().rpartition(".")[0]: Timing(fixtures, 1, "2026-01-31")
            for batch in batches
        },
    )


DURATIONS = {"test_a": 1.0, "test_b": 1.0, "test_c": 5.0, "test_d": 1.0, "test_it": 1.0}


def test_a_class_that_is_longer_than_a_share_is_split_between_its_tests() -> None:
    batches = _batches(long_cases.Long, long_cases.Short)

    parts = split_long(batches, _timings(batches, DURATIONS), workers=2)

    assert [list(part.indices) for part in parts] == [[0, 1], [2], [3], [4]]
    assert [part.number for part in parts] == [0, 1, 2, 3]
    assert [part.part_of for part in parts] == [0, 0, 0, None]


@pytest.mark.parametrize("kind", [long_cases.WithItsOwnFixture, long_cases.Serialized])
def test_a_class_with_fixtures_that_are_not_djangos_stays_whole(
    kind: type[unittest.TestCase],
) -> None:
    batches = _batches(kind, long_cases.Short)

    assert len(split_long(batches, _timings(batches, DURATIONS), workers=2)) == 2


def test_a_class_whose_fixtures_take_as_long_as_a_part_would_stays_whole() -> None:
    batches = _batches(long_cases.Long, long_cases.Short)

    assert len(split_long(batches, _timings(batches, DURATIONS, fixtures=20.0), workers=2)) == 2


def test_nothing_is_split_before_anything_was_measured() -> None:
    batches = _batches(long_cases.Long, long_cases.Short)

    assert [part.tests for part in split_long(batches, Timings(), workers=2)] == [
        batch.tests for batch in batches
    ]


@given(
    st.lists(st.floats(0.001, 100), min_size=1, max_size=30),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_a_prediction_is_no_less_than_what_is_possible_and_no_more_than_the_bound(
    seconds: list[float], most: int, cores: int
) -> None:
    seconds.sort(reverse=True)

    for one in predict(seconds, most=most, cores=cores, worker_bytes=10):
        least = max(seconds[0], sum(seconds) / min(one.workers, cores))
        assert least <= one.seconds * (1 + 1e-9)
        graham = sum(seconds) / one.workers + seconds[0] * (1 - 1 / one.workers)
        assert one.seconds <= max(least, graham) * (1 + 1e-9)
        assert one.memory_bytes == 10 * one.workers


def test_no_more_workers_are_worth_it_than_help() -> None:
    one_giant = predict([10.0, 3.0, 3.0, 2.0], most=8, cores=8, worker_bytes=None)
    equal = predict([1.0] * 80, most=8, cores=4, worker_bytes=None)

    assert worth_it(one_giant).workers == 2
    assert worth_it(equal).workers == 4
