"""One suite in several ways, compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.bench.noise import NoiseWatch
from harness.bench.place import Place, server_of
from harness.bench.results import CaseResult, Figure
from harness.bench.rounds import interleaved
from harness.bench.spread import ratio
from harness.bench.suites import Suite
from harness.bench.told import Counting
from harness.bench.trouble import BenchError
from harness.bench.way import Run
from harness.bench.ways import KEEPDB, LABELS, ways_for

MEASURES: Mapping[str, Callable[[Run], float]] = {
    "process": lambda run: run.process_seconds,
    "tests": lambda run: run.tests_seconds,
    "cpu": lambda run: run.cpu_seconds,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a suite is compared.

    Attributes:
        wanted: The ways that are asked for; empty for all that there are.
        base: The way that ratios are multiples of.
        options: What the figures are to be labelled with.
    """

    name: str
    workers: int
    rounds: int
    wanted: Sequence[str]
    base: str
    options: Mapping[str, int | float]


def compare(comparison: Comparison, place: Place, suite: Suite, noise: NoiseWatch) -> CaseResult:
    """Run a suite in every way, in turn.

    Raises:
        BenchError: A run failed or had other tests than the others.
        NoisyError: The machine is too noisy.
    """
    noise.sample()
    with server_of(place) as server:
        ways, notes = ways_for(place, suite, server, comparison.workers, comparison.wanted)
        if not ways:
            raise BenchError(f"None of the wanted ways can be taken here. {' '.join(notes)}")
        # Compiles every file, builds the warm template, and makes the databases that are kept.
        first = {name: [way()] for name, way in ways.items()}
        runs = interleaved(dict(ways), comparison.rounds, noise.sample)
    counting = {name: way.counting for name, way in ways.items()}
    both = {name: [*first[name], *runs[name]] for name in ways}
    notes += check_counts(both, counting, suite.pytest_counts)
    notes += notes_on_failures(runs)
    notes += [f"{name}: {LABELS[name]}." for name in ways]
    return CaseResult(
        name=comparison.name,
        on=place.on,
        server=server.version if server is not None else "",
        options={
            "workers": comparison.workers,
            "rounds": comparison.rounds,
            **comparison.options,
        },
        base=comparison.base if comparison.base in runs else "",
        figures=tuple(figures_of(runs, comparison.base)),
        notes=tuple(notes),
        noise=noise,
    )


def figures_of(runs: Mapping[str, Sequence[Run]], base: str) -> list[Figure]:
    """The figures of all ways, one measure after another."""
    found = []
    for measure, take in MEASURES.items():
        values = {name: tuple(map(take, each)) for name, each in runs.items()}
        for name, each in runs.items():
            found.append(
                Figure(
                    name=name,
                    measure=measure,
                    values=values[name],
                    ratio=ratio(values[name], values[base]) if base in values else None,
                    tests=each[0].tests,
                    failed=tuple(one.failed for one in each),
                )
            )
    return found


def check_counts(
    runs: Mapping[str, Sequence[Run]], counting: Mapping[str, Counting], reason: str
) -> list[str]:
    """Make sure that every run had the same tests.

    Args:
        reason: Why pytest may count others than unittest does; empty where it may not.

    Returns:
        A sentence on that difference where there is one.

    Raises:
        BenchError: A run had others.
    """
    counts: dict[Counting, int] = {}
    for name, each in runs.items():
        expected = counts.setdefault(counting[name], each[0].tests)
        for run in each:
            if run.tests != expected:
                raise BenchError(
                    f"A run of the way {name} had {run.tests} tests where others counted by "
                    f"{counting[name].value} had {expected}, so there is nothing to compare."
                )
    if len(set(counts.values())) < 2:
        return []
    told = " and ".join(f"{kind.value} counts {count}" for kind, count in counts.items())
    if not reason:
        raise BenchError(f"The runs had different tests: {told}.")
    return [f"The runs have the same tests as far as runners go: {told}, for pytest {reason}."]


def notes_on_failures(runs: Mapping[str, Sequence[Run]]) -> list[str]:
    """What has to be said where ways do not agree on what fails."""
    failed = {name: sorted({one.failed for one in each}) for name, each in runs.items()}
    if len({tuple(one) for one in failed.values()}) < 2:
        (one,) = {tuple(one) for one in failed.values()}
        return [f"{' or '.join(map(str, one))} tests failed in every way."] if any(one) else []
    told = ", ".join(f"{name} {' or '.join(map(str, one))}" for name, one in failed.items())
    found = [f"Outcomes differ; tests that failed: {told}."]
    if any(failed.get(KEEPDB, ())):
        found.append(
            f"{KEEPDB}: rows of migrations that a TransactionTestCase has flushed are missing "
            "in the next run with --keepdb, which may be why some tests fail there."
        )
    return found
