"""In which order batches are given out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ctest_containers.project.suite import Batch
from ctest_containers.timings import Timings


def expected_seconds(batches: Sequence[Batch], timings: Timings) -> dict[int, float]:
    """What each batch is expected to take, by its number; empty where nothing is known."""
    found = {
        batch.number: timings.expected_seconds(test.id() for test in batch.tests)
        for batch in batches
    }
    return {number: seconds for number, seconds in found.items() if seconds is not None}


def longest_first(batches: Sequence[Batch], expected: Mapping[int, float]) -> list[Batch]:
    """The longest batches first, so that no worker waits long for the last one at the end.

    With m workers that is at most 4/3 - 1/(3m) of the least time possible (R. L. Graham, "Bounds on
    Multiprocessing Timing Anomalies", 1969). Those that may remove the rows of migrations stay
    behind all others, as Django has them.
    """
    return sorted(
        batches, key=lambda one: (one.removes_rows, -expected.get(one.number, 0.0), one.number)
    )
