"""The values that data consists of."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite


class Names:
    """A table of texts; each is in it once."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """Return the place of a text in the table; add it if it is not there."""
        return self.places.setdefault(name, len(self.places))


def seconds_of(value: float) -> float:
    """Return a number of seconds as the page needs it."""
    # A log can hold what no clock has measured, and JSON has no word for it.
    return round(value, 4) if isfinite(value) else 0.0


def points_of(points: Iterable[tuple[float, int]]) -> list[list[float]]:
    """Return the points of a curve, each with its time."""
    return [[seconds_of(at), value] for at, value in points]
