"""Timings stay durations, and no order of batches loses one or lets a flush come too early."""

from __future__ import annotations

import datetime as dt
import json
import unittest

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.project.suite import Batch
from ctest_containers.session.schedule import longest_first
from ctest_containers.timings import Measured, Timings
from ctest_containers.timings.model import from_json

SECONDS = st.floats(min_value=0, max_value=1e6, allow_subnormal=False)
MEASURED = st.builds(
    Measured,
    tests=st.dictionaries(st.text(max_size=20), SECONDS, max_size=5),
    fixtures=st.dictionaries(st.text(max_size=20), SECONDS, max_size=5),
    classes=st.dictionaries(st.text(max_size=20), SECONDS, max_size=5),
    memory=st.dictionaries(st.text(max_size=20), st.integers(0, 2**50), max_size=5),
)
DAY = dt.date(2026, 1, 31)


def _merged(runs: list[Measured]) -> Timings:
    timings = Timings()
    for run in runs:
        timings = timings.merged(run, DAY)
    return timings


@given(st.lists(MEASURED, max_size=5))
def test_a_file_holds_what_was_written(runs: list[Measured]) -> None:
    timings = _merged(runs)

    assert from_json(json.loads(json.dumps(timings.as_json()))) == timings


@given(st.lists(SECONDS, min_size=1, max_size=8))
def test_a_mean_lies_among_what_was_measured(measured: list[float]) -> None:
    (timing,) = _merged([Measured(tests={"a": one}) for one in measured]).tests.values()

    assert min(measured) <= timing.seconds * (1 + 1e-9)
    assert timing.seconds <= max(measured) * (1 + 1e-9)
    assert timing.runs == len(measured)


@given(
    st.lists(st.tuples(st.booleans(), st.none() | SECONDS), max_size=30),
    st.integers(min_value=1, max_value=8),
)
def test_longest_first_keeps_every_batch_and_keeps_the_bound(
    kinds: list[tuple[bool, float | None]], workers: int
) -> None:
    batches = [
        Batch(
            number=number,
            first=number,
            tests=[unittest.FunctionTestCase(lambda: None)],
            aliases=frozenset(),
            removes_rows=removes,
        )
        for number, (removes, _) in enumerate(kinds)
    ]
    expected = {number: one for number, (_, one) in enumerate(kinds) if one is not None}

    ordered = longest_first(batches, expected)

    assert sorted(one.number for one in ordered) == list(range(len(batches)))
    assert [one.removes_rows for one in ordered] == sorted(one.removes_rows for one in ordered)
    durations = [expected.get(one.number, 0.0) for one in ordered]
    if not any(one.removes_rows for one in ordered) and durations:
        free = [0.0] * workers
        for seconds in durations:
            free[free.index(min(free))] += seconds
        # Graham's bound for any order; that of the longest first is not in terms of this one's.
        most = sum(durations) / workers + max(durations) * (1 - 1 / workers)
        assert max(free) <= most * (1 + 1e-9)
