"""How far repeated measurements lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Repeated measurements of one thing, in the unit of the measurements.

    Attributes:
        low_quartile: A quarter of them is at most this; linear interpolation, ends included.
        high_quartile: Three quarters of them are at most this.
    """

    median: float
    least: float
    most: float
    low_quartile: float
    high_quartile: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one measurement."""
    low, high = values[0], values[0]
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(
        median=statistics.median(values),
        least=min(values),
        most=max(values),
        low_quartile=low,
        high_quartile=high,
    )


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median over rounds of what something took as a multiple of the base in the same round.

    Noise that lasts for a round disturbs both, and so the ratio less than the medians.
    """
    return statistics.median(one / other for one, other in zip(values, base, strict=True))
