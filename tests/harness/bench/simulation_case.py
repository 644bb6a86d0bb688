"""The case `simulation`: planner and scheduler with many tests and workers, by a virtual clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Final

from harness.bench.noise import NoiseWatch
from harness.bench.probes import probe
from harness.bench.results import CaseResult, Figure
from harness.bench.rounds import interleaved
from harness.bench.simulation import PEAK, SCENARIOS

TESTS: Final = 100_000
CLUSTERS: Final = ((125, 8), (1000, 1))
"""Nodes, and the workers of each: a thousand workers either way."""


def measure_simulation(count: int, *, rounds: int, noise: NoiseWatch) -> CaseResult:
    """Plan so many tests, and run them on clusters that exist in memory only.

    Raises:
        BenchError: A part failed.
        NoisyError: The machine is too noisy.
    """
    parts = dict(_parts(count))
    found = interleaved(
        {name: partial(probe, *command) for name, command in parts.items()},
        rounds,
        noise.sample,
    )
    figures = []
    for name, each in found.items():
        columns: dict[str, list[float]] = defaultdict(list)
        for one in each:
            for measure, value in one.items():
                columns[measure].append(value)
        figures += [
            Figure(name=name, measure=measure, values=tuple(values), unit=_unit_of(measure))
            for measure, values in columns.items()
        ]
    return CaseResult(
        name="simulation",
        on="no database",
        server="",
        options={"tests": count, "rounds": rounds},
        figures=tuple(figures),
        notes=(
            "planning: seconds of the processor.",
            "ideal: the longest batch, or all tests spread evenly over all workers.",
            "Runs go by a virtual clock, which adds what the parent computes, and what Dask does.",
        ),
        noise=noise,
    )


def _parts(count: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    workers = max(nodes * slots for nodes, slots in CLUSTERS)
    yield "planning", ("simulated-plan", str(count), str(workers))
    for nodes, slots in CLUSTERS:
        for scenario, words in SCENARIOS.items():
            command = ("simulated-run", str(count), str(nodes), str(slots), scenario)
            yield f"{nodes} nodes, {slots} each, {words}", command


def _unit_of(measure: str) -> str:
    if measure == PEAK:
        return "MiB"
    return "%" if measure.startswith("share") else "s"
