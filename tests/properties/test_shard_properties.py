"""Every test is in exactly one shard, whatever is known of it, and no shard is much heavier."""

from __future__ import annotations

import unittest
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.model import Shard
from ctest_containers.project.suite import Batch
from ctest_containers.session.shards import SLACK, Item, balanced, choose, steady

SHARDS = st.integers(1, 12)
SECONDS = st.one_of(
    st.just(0.0), st.floats(0.0, 1e6, allow_nan=False, allow_infinity=False), st.just(1.0)
)


class Case(unittest.TestCase):
    """A test that is never run here."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def id(self) -> str:
        """The name that it was given; several may have the same."""
        return self._name

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """Nothing."""


@st.composite
def _batches(draw: st.DrawFn) -> list[Batch]:
    names = draw(st.lists(st.text("ab.\ud800", max_size=3), max_size=40))
    batches: list[Batch] = []
    first = 0
    for name in names:
        size = draw(st.integers(1, 4))
        tests: list[unittest.TestCase] = [Case(name) for _ in range(size)]
        batches.append(Batch(number=len(batches), first=first, tests=tests, aliases=frozenset()))
        first += size
    return batches


@given(_batches(), SHARDS, st.data())
def test_shards_are_complete_and_disjoint_whatever_the_timings(
    batches: list[Batch], of: int, data: st.DataObject
) -> None:
    known = data.draw(st.booleans())
    expected = {one.number: data.draw(SECONDS) for one in batches} if known else {}

    parts = [choose(batches, expected, Shard(number, of)) for number in range(1, of + 1)]

    places = Counter(place for _, told in parts for place in told.places)
    assert places == Counter(range(sum(len(batch.tests) for batch in batches)))
    for chosen, told in parts:
        assert [index for batch in chosen for index in batch.indices] == list(told.places)
        # As in the whole run, one test follows another.
        assert list(told.places) == sorted(told.places)
    assert len({(told.tests, told.timings, told.total, told.of) for _, told in parts}) == 1


@given(st.lists(SECONDS, max_size=60), SHARDS)
def test_no_shard_is_heavier_than_the_average_and_one_batch(
    weights: list[float], shards: int
) -> None:
    items = [Item(str(number), weight) for number, weight in enumerate(weights)]
    most = sum(weights) / shards + max(weights, default=0.0)

    loads = [0.0] * shards
    for item, shard in zip(items, balanced(items, shards), strict=True):
        loads[shard] += item.weight

    assert max(loads) <= most * (1 + 1e-9)


@given(st.lists(st.integers(1, 30), max_size=60), SHARDS)
def test_without_timings_no_shard_has_many_more_tests_than_the_average_and_one_batch(
    weights: list[int], shards: int
) -> None:
    items = [Item(str(number), weight) for number, weight in enumerate(weights)]
    most = (1 + SLACK) * sum(weights) / shards + max(weights, default=0)

    loads = [0.0] * shards
    for item, shard in zip(items, steady(items, shards), strict=True):
        loads[shard] += item.weight

    assert max(loads) <= most * (1 + 1e-9)


@given(st.lists(st.tuples(st.text(max_size=5), SECONDS), unique_by=lambda one: one[0]), SHARDS)
def test_the_division_does_not_depend_on_the_order_of_tests(
    pairs: list[tuple[str, float]], shards: int
) -> None:
    items = [Item(name, weight) for name, weight in pairs]

    for divide in (balanced, steady):
        there = dict(zip(items, divide(items, shards), strict=True))
        back = dict(zip(items[::-1], divide(items[::-1], shards), strict=True))

        assert there == back


@given(st.lists(st.integers(0, 10**9), min_size=60, max_size=200, unique=True), st.integers(2, 8))
def test_without_timings_one_more_class_moves_few_others(numbers: list[int], shards: int) -> None:
    items = [Item(f"shop.tests.Class{number}", 1.0) for number in numbers]

    before = steady(items, shards)
    after = steady([*items, Item("shop.tests.New", 1.0)], shards)

    moved = sum(one != other for one, other in zip(before, after, strict=False))
    assert moved <= len(items) / 4
