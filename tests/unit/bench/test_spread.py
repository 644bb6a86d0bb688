"""Statistics of repeated measurements."""

from __future__ import annotations

import pytest
from harness.bench.spread import Spread, ratio, spread


def test_a_spread_has_the_median_the_ends_and_the_quartiles() -> None:
    found = spread([5.0, 1.0, 4.0, 2.0, 3.0])

    assert found == Spread(median=3.0, least=1.0, most=5.0, low_quartile=2.0, high_quartile=4.0)


def test_quartiles_lie_between_measurements_where_need_be() -> None:
    found = spread([1.0, 2.0, 3.0, 4.0])

    assert (found.low_quartile, found.median, found.high_quartile) == (1.75, 2.5, 3.25)


def test_a_single_measurement_is_its_own_spread() -> None:
    found = spread([2.0])

    assert found == Spread(median=2.0, least=2.0, most=2.0, low_quartile=2.0, high_quartile=2.0)


def test_a_ratio_compares_within_rounds_so_that_a_slow_round_does_no_harm() -> None:
    slow_in_the_second_round = [2.0, 20.0, 2.2]

    assert ratio(slow_in_the_second_round, [1.0, 10.0, 1.0]) == pytest.approx(2.0)
