"""In which order batches are given out, which are split, and how long all of them will take."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ctest_containers.names import class_of
from ctest_containers.project.suite import Batch, may_be_split
from ctest_containers.timings import Timings

GAIN: Final = 0.05
"""One more worker has to save such a share of the time."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a number of workers would come to.

    Attributes:
        seconds: From the first test to the end of the last one.
        memory_bytes: What the workers and their servers take; None where that is not known.
    """

    workers: int
    seconds: float
    memory_bytes: int | None


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
    behind all others, as Django has them, and those that may leave rows behind keep its order. The
    first to remove them find the rows: they come before the others that remove some.
    """
    return sorted(
        batches,
        key=lambda one: (
            one.removes_rows,
            one.leaves_rows,
            one.removes_rows and not one.unflushed,
            0.0 if one.leaves_rows else -expected.get(one.number, 0.0),
            one.number,
        ),
    )


def predict(
    seconds: Sequence[float], *, most: int, cores: int, worker_bytes: int | None
) -> list[Prediction]:
    """What each number of workers would come to, from 1 to the most.

    Batches go to workers as they become free, in the order given. Beyond the number of cores
    nothing is expected to become faster.
    """
    found = []
    for workers in range(1, most + 1):
        free = [0.0] * workers
        for one in seconds:
            heapq.heapreplace(free, free[0] + one)
        least = sum(seconds) / min(workers, cores)
        memory = None if worker_bytes is None else workers * worker_bytes
        found.append(Prediction(workers, max(least, *free), memory))
    return found


def worth_it(predictions: Sequence[Prediction]) -> Prediction:
    """The fewest workers that end about as soon as any number of them."""
    best = min(one.seconds for one in predictions)
    return next(one for one in predictions if one.seconds <= best * (1 + GAIN))


def split_long(batches: Sequence[Batch], timings: Timings, workers: int) -> list[Batch]:
    """The batches, with classes that are longer than a worker's share of all in several parts.

    A part is a run of neighbouring tests, and has the fixtures of its class for itself; so a class
    whose fixtures take as long as a part would is left alone.
    """
    expected = expected_seconds(batches, timings)
    share = sum(expected.values()) / workers
    found: list[Batch] = []
    for batch in batches:
        seconds = expected.get(batch.number, 0.0)
        for place, part in enumerate(_parts(batch, seconds, share, timings)):
            together = None if part is batch else batch.number
            unflushed = batch.unflushed - batch.flushes if place else batch.unflushed
            changed = replace(part, number=len(found), part_of=together, unflushed=unflushed)
            found.append(changed)
    return found


def _parts(batch: Batch, seconds: float, share: float, timings: Timings) -> Sequence[Batch]:
    if not seconds > share > 0 or len(batch.tests) < 2 or not may_be_split(batch):
        return [batch]
    known = timings.classes.get(class_of(batch.tests[0].id()))
    fixtures = 0.0 if known is None else known.seconds
    pieces = min(math.ceil((seconds - fixtures) / share * 2), len(batch.tests))
    if fixtures >= share / 2:
        return [batch]
    each = [timings.expected_seconds([test.id()]) or 0.0 for test in batch.tests]
    each = [max(0.0, one - fixtures) for one in each]
    target, taken, first = sum(each) / pieces, 0.0, 0
    parts: list[Batch] = []
    for place, one in enumerate(each):
        taken += one
        following = each[place + 1 : place + 2]
        if not following or taken + following[0] / 2 >= target * (len(parts) + 1):
            tests = batch.tests[first : place + 1]
            parts.append(replace(batch, first=batch.first + first, tests=tests))
            first = place + 1
    return parts if len(parts) > 1 else [batch]
