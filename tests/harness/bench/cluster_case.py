"""The case `cluster`: from what size of a suite on a second machine pays."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from harness.bench import process
from harness.bench.generated import Shape
from harness.bench.noise import NoiseWatch
from harness.bench.place import Place
from harness.bench.results import CaseResult, Figure
from harness.bench.rounds import interleaved
from harness.bench.spread import ratio
from harness.bench.suites import generated
from harness.bench.trouble import BenchError
from harness.bench.way import Run, Way
from harness.bench.ways import WARM, toolkit_ways
from harness.dask_cluster import dask_cluster

POINTS: Final = (100, 400, 1600)
"""Sizes of suites, in tests."""

SHAPE: Final = Shape(tables=20, migrations=20, tests=100)

ONE: Final = "one machine"
TWO: Final = "two nodes"


def measure_cluster(
    place: Place, points: Sequence[int], *, rounds: int, noise: NoiseWatch
) -> CaseResult:
    """Run suites on one core, and on a cluster of two nodes with a core each.

    Raises:
        BenchError: A run failed, or the machine has one core only.
        NoisyError: The machine is too noisy.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchError("Two nodes need two cores.")
    first, second = (("taskset", "--cpu-list", str(core)) for core in cores[:2])
    figures: list[Figure] = []
    for point in points:
        shape = replace(SHAPE, tests=point)
        name = f"cluster-{point}"
        suite = generated(place, shape, name)
        (way,) = (make() for one, make in toolkit_ways(place, suite, 1, name) if one == WARM)
        env = process.environment({**suite.variables, **way.variables})
        with dask_cluster(place.folder / f"{name}-dask", env, workers=0, before=first) as cluster:
            for before in (first, second):
                cluster.add_worker(before=before, env=env)
            clustered = (*way.command, f"--cluster={cluster.file}")
            ways = {
                ONE: replace(way, before=first),
                TWO: replace(way, name=TWO, before=first, command=clustered),
            }
            for one in ways.values():
                # Builds the template, and learns what takes how long.
                _checked(one, point)
            found = interleaved(
                {key: partial(_checked, one, point) for key, one in ways.items()},
                rounds,
                noise.sample,
            )
        walls = {key: [run.process_seconds for run in runs] for key, runs in found.items()}
        figures += [
            Figure(
                name=key,
                measure="process",
                values=tuple(values),
                ratio=ratio(values, walls[ONE]),
                tests=point,
                at={"tests": point},
            )
            for key, values in walls.items()
        ]
        place.remove_images()
    return CaseResult(
        name="cluster",
        on=place.on,
        server="",
        options={"rounds": rounds},
        base=ONE,
        figures=tuple(figures),
        notes=(
            f"{ONE}: one worker, on one core.",
            f"{TWO}: one worker on a core each; parent and scheduler are on the first one's.",
            "Servers in containers are on any core.",
            *_break_even(figures),
        ),
        noise=noise,
    )


def _checked(way: Way, tests: int) -> Run:
    run = way()
    if run.failed or run.tests != tests:
        raise BenchError(f"{way.name} had {run.tests} tests of {tests}, {run.failed} failed.")
    return run


def _break_even(figures: Sequence[Figure]) -> list[str]:
    """When the second machine pays, by straight lines through the points of each."""
    lines = []
    for name in (ONE, TWO):
        mine = [one for one in figures if one.name == name]
        sizes = [float(one.at["tests"]) for one in mine]
        if len(sizes) < 2:
            return []
        medians = [statistics.median(one.values) for one in mine]
        lines.append(statistics.linear_regression(sizes, medians))
    one, two = lines
    said = [
        f"{name}: {line.intercept:.2f} s and {line.slope * 1000:.2f} ms for each test."
        for name, line in zip((ONE, TWO), lines, strict=True)
    ]
    if two.slope >= one.slope:
        return [*said, "The second node never pays."]
    tests = max(0.0, (two.intercept - one.intercept) / (one.slope - two.slope))
    seconds = one.intercept + one.slope * tests
    return [
        *said,
        f"The second node pays from {tests:.0f} tests on, which one runs in {seconds:.1f} s.",
    ]
