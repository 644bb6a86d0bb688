"""What a job says of its share of the tests, by which others can see that they have the same."""

from __future__ import annotations

import unittest

import pytest

from ctest_containers.model import Shard
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.session.shards import Item, balanced, choose, steady


class One(unittest.TestCase):
    """A class of two tests."""

    def test_a(self) -> None:
        """Nothing."""

    def test_b(self) -> None:
        """Nothing."""


class Two(One):
    """Another one."""


class Three(One):
    """A third one."""


def _batches(*kinds: type[unittest.TestCase]) -> list[Batch]:
    return make_batches([kind(name) for kind in kinds for name in ("test_a", "test_b")], ())


def test_the_longest_class_has_a_shard_for_itself_if_it_takes_as_long_as_all_others() -> None:
    batches = _batches(One, Two, Three)

    first, told = choose(batches, {0: 1.0, 1: 2.0, 2: 1.0}, Shard(1, 2))

    assert [type(batch.tests[0]) for batch in first] == [Two]
    assert told.places == (2, 3)
    assert (told.seconds, told.total_seconds) == (2.0, 4.0)


def test_more_shards_than_classes_leave_some_without_tests() -> None:
    batches = _batches(One, Two)

    sizes = [len(choose(batches, {}, Shard(number, 5))[1].places) for number in range(1, 6)]

    assert sorted(sizes) == [0, 0, 0, 2, 2]


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        (_batches(One, Two), {0: 1.0, 1: 2.0}),
        (_batches(Two, One, Three), {0: 1.0, 1: 2.0, 2: 3.0}),
        (_batches(One, Two, Three), {0: 1.0, 1: 2.0, 2: 3.5}),
        (_batches(One, Two, Three), {}),
    ],
    ids=["fewer tests", "another order", "another duration", "no timings"],
)
def test_jobs_that_see_something_else_say_something_else(
    batches: list[Batch], expected: dict[int, float]
) -> None:
    usual = choose(_batches(One, Two, Three), {0: 1.0, 1: 2.0, 2: 3.0}, Shard(1, 2))[1]

    other = choose(batches, expected, Shard(2, 2))[1]

    assert (usual.tests, usual.timings) != (other.tests, other.timings)


def test_classes_that_take_no_time_are_spread_by_their_number() -> None:
    items = [Item(str(number), 0.0) for number in range(10)]

    divided = balanced(items, 5)

    assert sorted(map(divided.count, range(5))) == [2, 2, 2, 2, 2]


def test_without_timings_most_classes_stay_where_they_are_when_a_shard_is_added() -> None:
    items = [Item(f"shop.tests.Class{number}", 1.0) for number in range(1000)]

    before, after = steady(items, 5), steady(items, 6)

    # A sixth has to move; bounds move a few more.
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    assert moved <= 400
