"""What the parts of a run cost, one by one."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace

from ctest_containers.model import Vendor
from harness.bench.generated import Shape
from harness.bench.latency import QUERIES, latencies
from harness.bench.noise import NoiseWatch
from harness.bench.place import SQLITE, Place
from harness.bench.probes import probe
from harness.bench.results import CaseResult, Figure
from harness.bench.rounds import interleaved
from harness.bench.servers_from_template import committing, starting
from harness.bench.suites import generated
from harness.bench.timeline import last_run
from harness.bench.way import Way
from harness.bench.ways import DJANGO_RESET, WARM, toolkit_ways

PLANNED_TESTS = 20_000
FLUSHING_TESTS = 20

Measure = Callable[[], Mapping[str, float]]
"""Gives seconds by what took them."""


def measure_phases(
    place: Place, shape: Shape, *, workers: int, rounds: int, noise: NoiseWatch
) -> CaseResult:
    """Measure each part in every round.

    Raises:
        BenchError: A part failed.
        NoisyError: The machine is too noisy.
    """
    noise.sample()
    suite = generated(place, shape)
    with ExitStack() as undo:
        warm = dict(toolkit_ways(place, suite, workers))[WARM]()
        warm()
        first = last_run(place, "warm")
        # The same migrations, so the template is there; its tests do little but flush.
        flushing = replace(shape, tests=FLUSHING_TESTS, transaction_share=1.0)
        flushed = generated(place, flushing, "flushing")
        made = dict(toolkit_ways(place, flushed, workers))
        resetting: dict[str, Way] = {
            name: made[name]() for name in (WARM, DJANGO_RESET) if name in made
        }
        measures: dict[str, Measure] = {
            "run": lambda: _of_run(place, warm, workers),
            "reset": lambda: _resets(place, resetting),
            "fingerprint": lambda: probe("fingerprint"),
            "planning": lambda: probe("planning", str(PLANNED_TESTS)),
        }
        notes = [
            "run: the phases of a warm run, from its event log.",
            "clean-up, seen from outside: from the end of the last test to that of the process.",
            "reset: what batches took beyond tests and fixtures, for each test.",
            "The case transactions shows resets in whole suites.",
        ]
        if place.on == SQLITE:
            notes.append("Servers, commit, transports: SQLite has no server.")
        else:
            (image,) = place.images("warm")
            make = undo.enter_context(starting(place, image))
            commit = undo.enter_context(committing(place, image, "test_bench"))
            measures["servers"] = lambda: _servers(make, commit, workers)
            measures["transport"] = lambda: _transports(place)
            notes.append(f"transport: the median of {QUERIES} times SELECT 1 on one connection.")
            if place.vendor == Vendor("mysql"):
                notes.append("transport: MySQL's client encrypts what goes by TCP, not the socket.")
        found = interleaved(measures, rounds, noise.sample)
    figures = [
        Figure(name=f"{group}: {name}", values=tuple(values))
        for group, each in found.items()
        for name, values in _columns(each).items()
    ]
    figures += [Figure(name="template, built from scratch", values=(one,)) for one in first.builds]
    return CaseResult(
        name="phases",
        on=place.on,
        server=first.version,
        options=options_of(shape, workers=workers, rounds=rounds),
        figures=tuple(figures),
        notes=tuple(notes),
        noise=noise,
    )


def options_of(shape: Shape, **more: int) -> dict[str, int | float]:
    """What figures of a generated project are labelled with."""
    return {**more, **asdict(shape)}


def _of_run(place: Place, warm: Way, workers: int) -> dict[str, float]:
    run = warm()
    seen = last_run(place, "warm")
    servers = {}
    if seen.servers:
        several = f"server wanted to first query, median of {workers} at once"
        servers[several] = statistics.median(seen.servers)
    return {
        **{f"phase {name}": seconds for name, seconds in seen.phases.items()},
        "process start to first test": seen.first_test,
        **servers,
        "last test to end of process": run.process_seconds - seen.last_test,
        "whole process": run.process_seconds,
    }


def _resets(place: Place, ways: Mapping[str, Way]) -> dict[str, float]:
    """Of one TransactionTestCase's test, by who resets the database."""
    found = {}
    names = {WARM: "the toolkit's", DJANGO_RESET: "Django's"}
    for way, name in names.items():
        if way in ways:
            ways[way]()
            found[name] = last_run(place, "warm").resets
    return found


def _servers(
    make: Callable[[int], float], commit: Callable[[], float], workers: int
) -> dict[str, float]:
    return {
        "1 from the template to its first query": make(1),
        f"{workers} at once to their first queries": make(workers),
        "stop and commit": commit(),
    }


def _transports(place: Place) -> Mapping[str, float]:
    with latencies(place) as measure:
        return measure()


def _columns(rounds: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """The values of each name; what a round lacks, such as a phase, is left out of it."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in rounds:
        for name, value in one.items():
            found[name].append(value)
    return found
