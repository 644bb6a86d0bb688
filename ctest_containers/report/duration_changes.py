"""Which tests became slower or faster than in earlier runs."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.report.record import RunRecord, Status

EARLIER_RUNS: Final = 3
"""A test is compared with at least so many earlier durations of it."""

COMMON_TESTS: Final = 5
"""The speed of a run is computed from at least this many tests; fewer may have changed alone."""

FLOOR_SECONDS: Final = 0.05
"""A change of less is of no interest, however sure it is."""

FLOOR_SHARE: Final = 0.25
"""The same as a share of what a test usually takes."""

THRESHOLD: Final = 3.5
"""The modified z-score of an outlier (B. Iglewicz, D. Hoaglin, "How to Detect and Handle Outliers",
1993); C. Leys et al. (2013) call 3 very conservative, which with thousands of tests is not so."""

NORMAL: Final = 1.4826
"""What a median absolute deviation is multiplied by, to be a standard deviation of a normal
distribution."""

SMALL_SAMPLES: Final = {3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}
"""By how much that falls short for so few values (C. Croux, P. Rousseeuw, "Time-efficient
algorithms for two highly robust estimators of scale", 1992); for more it is n / (n - 0.8)."""

STEADY_SECONDS: Final = 0.005
"""Shorter tests say little on the speed of a run."""

SHORTEST_SECONDS: Final = 1e-6
LONGEST_SECONDS: Final = 1e7
"""What is beyond these is no duration of a test."""

LEAST_SCATTER: Final = 0.05
LEAST_SCATTER_SECONDS: Final = 0.001
"""Durations are never taken to be steadier than this, so that every score is a number."""

MOST_SCATTER: Final = 0.2
"""That other tests scatter by more hides no change of a steady one."""


@dataclass(frozen=True, slots=True)
class DurationChange:
    """A test that takes longer than it did, or less.

    Attributes:
        seconds: What it took in this run.
        usual_seconds: What it would have taken at the speed of this run, going by the runs before
            the change.
        score: The modified z-score of this run; negative for a test that became faster.
        runs: For how many runs, this one included, it has been so.
        before: How many runs before these it is compared with.
    """

    test_id: str
    seconds: float
    usual_seconds: float
    score: float
    runs: int
    before: int

    @property
    def difference(self) -> float:
        """How many seconds it takes more than usual; negative for less."""
        return self.seconds - self.usual_seconds


@dataclass(frozen=True, slots=True)
class Durations:
    """The durations of a run against those of earlier runs.

    Attributes:
        compared: The number of tests that could be compared; 0 if the speed is unknown.
        speed: What tests took in this run, as a multiple of what they take usually; None where
            there is too little to tell it from.
        slower: The tests that became slower; changes that last first, then by seconds.
        faster: The tests that became faster, in the same order.
    """

    compared: int
    speed: float | None
    slower: tuple[DurationChange, ...]
    faster: tuple[DurationChange, ...]


def compare_durations(run: RunRecord, earlier: Sequence[RunRecord]) -> Durations:
    """Which tests became slower or faster, whatever the speed of the machine was.

    Only tests that passed are compared. First the speed of every run is removed: the median, over
    the tests that it has in common with others, of their durations as multiples of the tests' own
    medians, which some tests that really changed do not move (S. Anders, W. Huber, "Differential
    expression analysis for sequence count data", 2010, do so with sequencing depths). Then each
    test is compared with itself; see `change`. Three durations may lie close together by chance, so
    none is taken to be steadier than most tests are.

    Args:
        earlier: Oldest first.
    """
    now = _durations(run)
    raw = [_durations(record) for record in earlier]
    usual = _medians(raw, now)
    factors = [_speed(durations, usual) or 1.0 for durations in raw]
    level = [
        {test: seconds / factor for test, seconds in durations.items() if test in usual}
        for durations, factor in zip(raw, factors, strict=True)
    ]
    usual = _medians(level, now)
    speed = _speed(now, usual)
    if speed is None:
        return Durations(0, None, (), ())
    history: dict[str, list[float]] = {test: [] for test in usual}
    for durations in [*level, {test: now[test] / speed for test in usual}]:
        for test in durations.keys() & usual.keys():
            history[test].append(durations[test])
    scatter = _typical_scatter(level, usual)
    changes = []
    for test, values in history.items():
        step = change(values, scatter)
        if step is not None:
            before, score, runs = step
            change_of = DurationChange(
                test, now[test], before * speed, score, runs, len(values) - runs
            )
            changes.append(change_of)
    # One run may be bad luck; a change that lasts is none.
    changes.sort(key=lambda change: (change.runs == 1, -abs(change.difference), change.test_id))
    slower = tuple(change for change in changes if change.score > 0)
    faster = tuple(change for change in changes if change.score < 0)
    return Durations(len(usual), speed, slower, faster)


def change(
    values: Sequence[float], scatter: float = LEAST_SCATTER
) -> tuple[float, float, int] | None:
    """Whether the latest of these durations, oldest first, are no longer what they were.

    They are not where all of the latest are further from the median of those before than the floors
    and the threshold: a modified z-score, from the median absolute deviation around the median,
    which half of the runs may be outliers of without effect (C. Leys et al., "Detecting outliers:
    Do not use standard deviation around the mean, use absolute deviation around the median", 2013;
    P. Rousseeuw, C. Croux, "Alternatives to the Median Absolute Deviation", 1993).

    Args:
        scatter: The least standard deviation, as a share of the median.

    Returns:
        The median before, the score of the very latest, and the largest number of the latest that
        this holds for; None if it holds for no number.
    """
    if len(values) <= EARLIER_RUNS or max(values) - min(values) <= FLOOR_SECONDS:
        return None
    step = None
    least = most = values[-1]
    for runs in range(1, len(values) - EARLIER_RUNS + 1):
        before = values[:-runs]
        least, most = min(least, values[-runs]), max(most, values[-runs])
        if least - min(before) <= FLOOR_SECONDS and max(before) - most <= FLOOR_SECONDS:
            continue
        usual = statistics.median(before)
        scale = _scale(before, usual, scatter)
        margin = max(FLOOR_SECONDS, FLOOR_SHARE * usual, THRESHOLD * scale)
        if least - usual > margin or usual - most > margin:
            step = (usual, (values[-1] - usual) / scale, runs)
    return step


_PASSED: Final = frozenset({Status.PASSED, Status.FLAKY})


def _durations(run: RunRecord) -> dict[str, float]:
    return {
        test.place.test_id: test.seconds
        for test in run.tests.values()
        if test.status in _PASSED and SHORTEST_SECONDS <= test.seconds <= LONGEST_SECONDS
    }


def _medians(runs: Sequence[Mapping[str, float]], now: Mapping[str, float]) -> dict[str, float]:
    """The median of each test of this run that enough of the runs have."""
    history = defaultdict(list)
    for durations in runs:
        for test in durations.keys() & now.keys():
            history[test].append(durations[test])
    return {
        test: statistics.median(history[test]) for test in now if len(history[test]) >= EARLIER_RUNS
    }


def _speed(durations: Mapping[str, float], usual: Mapping[str, float]) -> float | None:
    common = [(durations[test], usual[test]) for test in durations.keys() & usual.keys()]
    steady = [(seconds, before) for seconds, before in common if before >= STEADY_SECONDS]
    taken = steady if len(steady) >= COMMON_TESTS else common
    if len(taken) < COMMON_TESTS:
        return None
    return statistics.median(seconds / before for seconds, before in taken)


def _typical_scatter(runs: Sequence[Mapping[str, float]], usual: Mapping[str, float]) -> float:
    """By which share of its median a test of those that say something usually scatters."""
    away = [
        abs(seconds / usual[test] - 1)
        for durations in runs
        for test, seconds in durations.items()
        if usual.get(test, 0.0) >= STEADY_SECONDS
    ]
    typical = NORMAL * statistics.median(away) if away else 0.0
    return min(max(LEAST_SCATTER, typical), MOST_SCATTER)


def _scale(values: Sequence[float], middle: float, scatter: float) -> float:
    """A standard deviation that outliers do not move, in seconds."""
    count = len(values)
    small = SMALL_SAMPLES.get(count, count / (count - 0.8))
    deviation = statistics.median(abs(value - middle) for value in values)
    return max(NORMAL * small * deviation, scatter * middle, LEAST_SCATTER_SECONDS)
