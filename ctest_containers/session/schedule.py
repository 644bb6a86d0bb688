"""Orders and splits batches, and predicts how long they will take."""

from __future__ import annotations

import heapq
import itertools
import math
import unittest
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ctest_containers.names import class_of
from ctest_containers.project.suite import Batch, may_be_split
from ctest_containers.timings import Timings

GAIN: Final = 0.05
"""The share of the time that more workers must save to be worth it."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The predicted cost of a run with a number of workers.

    Attributes:
        seconds: The time from the first test to the end of the last one.
        memory_bytes: The memory of the workers and their servers; None if unknown.
    """

    workers: int
    seconds: float
    memory_bytes: int | None


def expected_seconds(batches: Sequence[Batch], timings: Timings) -> dict[int, float]:
    """Return how long each batch is expected to take, in seconds, by its number.

    It is empty if nothing is known.
    """
    expected = {
        batch.number: timings.expected_seconds(test.id() for test in batch.tests)
        for batch in batches
    }
    return {number: seconds for number, seconds in expected.items() if seconds is not None}


def longest_first(batches: Sequence[Batch], expected: Mapping[int, float]) -> list[Batch]:
    """Return the longest batches first, so that no worker waits long for the last one.

    With m workers this takes at most 4/3 - 1/(3m) of the least time possible (R. L. Graham, "Bounds
    on Multiprocessing Timing Anomalies", 1969). As in Django's order, batches that may remove the
    rows of migrations come after all others, and batches that may leave rows keep their order.
    Batches that must still find the rows come before others that remove some.
    """
    return sorted(
        batches,
        key=lambda batch: (
            batch.removes_rows,
            batch.leaves_rows,
            batch.removes_rows and not batch.unflushed,
            0.0 if batch.leaves_rows else -expected.get(batch.number, 0.0),
            batch.number,
        ),
    )


def failed_first(batches: Sequence[Batch], failed: frozenset[str]) -> Sequence[Batch]:
    """Return the batches with a failed test first, which otherwise keep their order.

    Args:
        failed: The ids of failed tests.
    """
    if not failed:
        return batches
    return sorted(batches, key=lambda batch: failed.isdisjoint(test.id() for test in batch.tests))


def failed_first_in_classes(
    tests: Sequence[unittest.TestCase], failed: Collection[str]
) -> list[unittest.TestCase]:
    """Return the tests, and of each class that rolls back what they do, the failed ones first."""
    from django.test import TestCase

    ordered: list[unittest.TestCase] = []
    for kind, group in itertools.groupby(tests, type):
        together = list(group)
        if issubclass(kind, TestCase):
            together.sort(key=lambda test: test.id() not in failed)
        ordered += together
    return ordered


def predict(
    seconds: Sequence[float], *, most: int, cores: int, worker_bytes: int | None
) -> list[Prediction]:
    """Return a prediction for each number of workers from 1 to `most`.

    Batches go to workers as these become free, in the given order. More workers than cores are not
    expected to be faster.

    Args:
        seconds: How long each batch is expected to take.
        worker_bytes: The memory of a worker and its servers; None if unknown.
    """
    predictions = []
    for workers in range(1, most + 1):
        free = [0.0] * workers
        for duration in seconds:
            heapq.heapreplace(free, free[0] + duration)
        least = sum(seconds) / min(workers, cores)
        memory = None if worker_bytes is None else workers * worker_bytes
        predictions.append(Prediction(workers, max(least, *free), memory))
    return predictions


def worth_it(predictions: Sequence[Prediction]) -> Prediction:
    """Return the prediction for the fewest workers that are about as fast as any number."""
    enough = (1 + GAIN) * min(prediction.seconds for prediction in predictions)
    return next(prediction for prediction in predictions if prediction.seconds <= enough)


def split_long(batches: Sequence[Batch], timings: Timings, workers: int) -> list[Batch]:
    """Split classes that take longer than a worker's share of the time into parts.

    A part consists of consecutive tests, and runs the fixtures of its class itself; so a class
    whose fixtures would take as long as a part is not split.
    """
    expected = expected_seconds(batches, timings)
    share = sum(expected.values()) / workers
    split: list[Batch] = []
    for batch in batches:
        seconds = expected.get(batch.number, 0.0)
        for position, part in enumerate(_parts(batch, seconds, share, timings)):
            whole = None if part is batch else batch.number
            unflushed = batch.unflushed - batch.flushes if position else batch.unflushed
            split.append(replace(part, number=len(split), part_of=whole, unflushed=unflushed))
    return split


def _parts(batch: Batch, seconds: float, share: float, timings: Timings) -> Sequence[Batch]:
    if not seconds > share > 0 or len(batch.tests) < 2 or not may_be_split(batch):
        return [batch]
    known = timings.classes.get(class_of(batch.tests[0].id()))
    fixtures = 0.0 if known is None else known.seconds
    pieces = min(math.ceil((seconds - fixtures) / share * 2), len(batch.tests))
    if fixtures >= share / 2:
        return [batch]
    durations = [timings.expected_seconds([test.id()]) or 0.0 for test in batch.tests]
    durations = [max(0.0, duration - fixtures) for duration in durations]
    target, total, first = sum(durations) / pieces, 0.0, 0
    parts: list[Batch] = []
    for end, duration in enumerate(durations, start=1):
        total += duration
        following = durations[end : end + 1]
        if not following or total + following[0] / 2 >= target * (len(parts) + 1):
            parts.append(replace(batch, first=batch.first + first, tests=batch.tests[first:end]))
            first = end
    return parts if len(parts) > 1 else [batch]
