"""The planner and the scheduler of a cluster at a size that few people have machines for."""

from __future__ import annotations

import math
import random
import resource
import tempfile
import time
import unittest
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.cluster.pool import ClusterPool
from ctest_containers.events import Event, TestFinished, TestStarted
from ctest_containers.model import Shard
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.session.schedule import (
    expected_seconds,
    longest_first,
    predict,
    split_long,
)
from ctest_containers.session.shards import choose
from ctest_containers.timings import Measured, Timings, TimingsFile
from harness.bench.virtual_cluster import Fate, VirtualCluster

MEDIAN_SECONDS: Final = 0.3
SIGMA: Final = 1.2
"""Of the logarithms of durations: half of all tests take under the median, 1 in 100 over 5 s."""

MEDIAN_CLASS: Final = 6
CLASS_SIGMA: Final = 0.9
MOST_OF_A_CLASS: Final = 200

ERROR_SIGMA: Final = 0.25
"""A test takes a quarter more or less than it is expected to, now and then far more."""

JOINING_SECONDS: Final = 10.0
"""Within this time after the first, nodes are ready."""

AFFECTED: Final = 0.05
"""The share of nodes that are lost or fall silent."""

SCENARIOS: Final = {
    "well": "all nodes live",
    "lost": "5 % of nodes are lost",
    "silent": "5 % of nodes fall silent",
}

PEAK: Final = "memory of the whole process, peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A suite, what its tests take, and what they are expected to take, in seconds."""

    tests: list[unittest.TestCase]
    seconds: list[float]
    timings: Timings


def made(count: int, folder: Path) -> tuple[Made, dict[str, float]]:
    """A suite of so many tests, the same in every process, and what its timings cost."""
    dice = random.Random(count)
    tests = _tests(count, dice)
    expected = [dice.lognormvariate(math.log(MEDIAN_SECONDS), SIGMA) for _ in tests]
    actual = [one * dice.lognormvariate(0.0, ERROR_SIGMA) for one in expected]
    file = TimingsFile(folder / "timings.json")
    pairs = zip(tests, expected, strict=True)
    took: dict[str, float] = {}
    with timed("timings kept", took):
        file.merge(Measured(tests={test.id(): seconds for test, seconds in pairs}))
    with timed("timings read", took):
        timings, _ = file.read()
    return Made(tests=tests, seconds=actual, timings=timings), took


@contextmanager
def timed(name: str, took: dict[str, float]) -> Iterator[None]:
    """Note the seconds of the processor that something takes."""
    began = time.process_time()
    yield
    took[name] = time.process_time() - began


def plan(count: int, workers: int) -> dict[str, float]:
    """All that is decided before the first test; seconds, and MiB of memory, by name."""
    with tempfile.TemporaryDirectory() as folder:
        suite, took = made(count, Path(folder))
    with timed("batches made", took):
        batches = make_batches(suite.tests, ["default"])
    with timed("long classes split", took):
        parts = split_long(batches, suite.timings, workers)
    with timed("order", took):
        expected = expected_seconds(parts, suite.timings)
        ordered = longest_first(parts, expected)
    with timed("number of workers", took):
        each = [expected[batch.number] for batch in ordered]
        predict(each, most=workers, cores=workers, worker_bytes=None)
    with timed("one of so many shards", took):
        choose(parts, expected, Shard(1, workers))
    return {**took, PEAK: _peak_mebibytes()}


def run(count: int, nodes: int, slots: int, scenario: str) -> dict[str, float]:
    """A run on a cluster that exists in memory only; figures by name.

    Raises:
        AssertionError: A test was not reported once.
    """
    with tempfile.TemporaryDirectory() as folder:
        suite, _ = made(count, Path(folder))
    batches = make_batches(suite.tests, ["default"])
    batches = split_long(batches, suite.timings, nodes * slots)
    expected = expected_seconds(batches, suite.timings)
    return simulate(
        longest_first(batches, expected),
        expected,
        suite.seconds,
        fates(nodes, slots, scenario, sum(suite.seconds) / (nodes * slots)),
    )


def simulate(
    batches: Sequence[Batch],
    expected: Mapping[int, float],
    seconds: Sequence[float],
    nodes: Mapping[str, Fate],
) -> dict[str, float]:
    """Let nodes run batches, and say how well that went.

    Raises:
        AssertionError: A test was not reported once.
    """
    link = VirtualCluster(batches, seconds, nodes)
    finished = Counter[int]()
    moments: list[float] = []

    def report(event: Event) -> None:
        if isinstance(event, TestFinished):
            finished[event.index] += 1
            moments.append(link.time())
        elif isinstance(event, TestStarted) and not moments:
            moments.append(link.time())

    pool = ClusterPool(
        batches=batches,
        link=link,
        report=report,
        stopping=lambda: False,
        whole_run=None,
        expected=expected,
        wait_seconds=60.0,
        now=link.time,
    )
    pool.run()
    assert finished == Counter(range(len(seconds))), "A test was not reported once."
    took = moments[-1] - moments[0]
    workers = sum(fate.slots for fate in nodes.values())
    least = max(sum(seconds) / workers, *_lengths(batches, seconds))
    return {
        "ideal": least,
        "first test to last": took,
        "share of the time of all workers that tests took": 100 * sum(seconds) / (took * workers),
        "parent's and Dask's work": link.parent_seconds,
        "share of the time that this was": 100 * link.parent_seconds / link.now,
        PEAK: _peak_mebibytes(),
    }


def fates(nodes: int, slots: int, scenario: str, ideal: float) -> dict[str, Fate]:
    """What becomes of each node.

    Args:
        ideal: What the run takes if all goes well, in seconds.
    """
    dice = random.Random(nodes * slots)
    affected = set(dice.sample(range(nodes), max(1, round(nodes * AFFECTED))))
    found = {}
    for number in range(nodes):
        joins = dice.uniform(0.0, JOINING_SECONDS)
        moment = dice.uniform(joins, joins + ideal) if number in affected else None
        found[f"node-{number}"] = Fate(
            slots=slots,
            joins=joins,
            lost=moment if scenario == "lost" else None,
            silent=moment if scenario == "silent" else None,
        )
    return found


def _lengths(batches: Sequence[Batch], seconds: Sequence[float]) -> Iterator[float]:
    for batch in batches:
        yield sum(seconds[index] for index in batch.indices)


def _tests(count: int, dice: random.Random) -> list[unittest.TestCase]:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure()
        django.setup()
    from django.test import TestCase

    tests: list[unittest.TestCase] = []
    methods = {f"test_{number:03}": lambda _: None for number in range(MOST_OF_A_CLASS)}
    while len(tests) < count:
        size = round(dice.lognormvariate(math.log(MEDIAN_CLASS), CLASS_SIGMA))
        size = min(max(1, size), MOST_OF_A_CLASS, count - len(tests))
        kind = type(f"Class{len(tests):06}Tests", (TestCase,), dict(methods))
        tests += [kind(f"test_{number:03}") for number in range(size)]
    return tests


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
