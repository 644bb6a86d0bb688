"""What would make a run shorter, and by how much."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ctest_containers.events import Phase, TemplateBuilt, TemplatePulled
from ctest_containers.report.efficiency import (
    FixtureCost,
    Unit,
    Usage,
    bounded,
    phase_seconds,
)
from ctest_containers.report.record import RunRecord
from ctest_containers.text import duration, listing, plural

FLOOR_SECONDS: Final = 0.05
"""A saving of less is of no interest."""

FLOOR_SHARE: Final = 0.01
"""The same as a share of the run."""

SLOWEST: Final = 5
"""So many tests are imagined to be as quick as others."""


class Remedy(str, Enum):
    """What may make a run shorter."""

    SPLIT = "split long classes"
    ORDER = "order"
    WORKERS = "more workers"
    TEMPLATE = "template"
    FIXTURES = "fixtures"
    CONTAINERS = "containers"
    START_UP = "start-up"
    SLOW_TESTS = "slow tests"
    RETRIES = "retries"


@dataclass(frozen=True, slots=True)
class Saving:
    """How much shorter the run would be for one remedy.

    Attributes:
        seconds: By themselves; savings do not add up.
        advice: What to do, in words.
        names: The classes or tests that it is about, those that matter most first.
    """

    remedy: Remedy
    seconds: float
    advice: str
    names: tuple[str, ...] = ()


def longest_first_seconds(units: Iterable[float], begins: Sequence[float]) -> float:
    """When the last unit ends if each goes, the longest first, to the worker that is free first.

    That is at most 4/3 - 1/(3m) of the least time possible with m workers (R. L. Graham, "Bounds on
    Multiprocessing Timing Anomalies", 1969).

    Args:
        begins: When each worker is free for its first one.
    """
    free = list(begins)
    heapq.heapify(free)
    last = 0.0
    for seconds in sorted(units, reverse=True):
        end = free[0] + seconds
        heapq.heapreplace(free, end)
        last = max(last, end)
    return last


def savings(run: RunRecord, used: Usage | None, costs: Sequence[FixtureCost]) -> tuple[Saving, ...]:
    """What would make the run shorter, and by how much; the most seconds first.

    What concerns the tests is computed by giving out the classes of this run to its workers once as
    they were, once as they would be, both times the longest first.
    """
    candidates = [_template(run), _start_up(run)]
    if used is not None and used.units:
        candidates += _of_tests(run, used, costs)
    least = max(FLOOR_SECONDS, FLOOR_SHARE * whole_seconds(run))
    worthwhile = [saving for saving in candidates if saving is not None and saving.seconds >= least]
    return tuple(sorted(worthwhile, key=lambda saving: (-saving.seconds, saving.remedy.value)))


def whole_seconds(run: RunRecord) -> float:
    """How long the run took, with the start of its process."""
    started = bounded(run.started.startup_seconds) if run.started is not None else 0.0
    return started + bounded(run.ended)


def _of_tests(run: RunRecord, used: Usage, costs: Sequence[FixtureCost]) -> list[Saving | None]:
    units, begins, workers = used.units, used.begins, used.efficiency.workers
    seconds = [unit.seconds for unit in units]
    now = longest_first_seconds(seconds, begins)

    def by(changed: Iterable[float]) -> float:
        return now - longest_first_seconds(changed, begins)

    twice = [*begins, *[statistics.fmean(begins)] * workers]
    reason = f" ({run.planned.reason})" if run.planned is not None and run.planned.reason else ""
    dominated = {cost.owner for cost in costs}
    waited = statistics.fmean(begins)
    return [
        Saving(
            Remedy.ORDER,
            used.end - now,
            "Start the longest classes first; the next run does, if this one's timings were saved.",
        ),
        Saving(
            Remedy.WORKERS,
            now - longest_first_seconds(seconds, twice),
            (
                f"Use {plural(2 * workers, 'worker')} instead of {workers}{reason}, if there are "
                "cores and memory for them."
            ),
        ),
        _split(units, workers, by),
        Saving(
            Remedy.FIXTURES,
            by(unit.seconds - unit.fixtures * (unit.owner in dominated) for unit in units),
            f"Set up less in {listing([cost.owner for cost in costs], shown=1)}.",
            tuple(cost.owner for cost in costs),
        ),
        Saving(
            Remedy.CONTAINERS,
            now - longest_first_seconds(seconds, [0.0] * len(begins)),
            f"Start servers sooner: on average, a worker began after {duration(waited)}.",
        ),
        _slow_tests(run, units, by),
        Saving(
            Remedy.RETRIES,
            by(unit.seconds - unit.given_up for unit in units),
            "Avoid abandoned attempts: make these tests reliable, or raise their limits.",
            tuple(test.place.test_id for test in run.tests.values() if test.retries or test.reruns),
        ),
    ]


def _split(
    units: Sequence[Unit], workers: int, by: Callable[[Iterable[float]], float]
) -> Saving | None:
    """No run is shorter than its longest class; in parts, each part has its fixtures for itself."""
    share = sum(unit.seconds for unit in units) / workers
    long = [unit for unit in units if unit.seconds > share and len(unit.tests) > 1]
    if not long or workers < 2:
        return None
    long.sort(key=lambda unit: -unit.seconds)
    parts = [unit.seconds for unit in units if unit not in long]
    for unit in long:
        pieces = [unit.fixtures] * min(workers, len(unit.tests))
        for seconds in sorted(unit.tests.values(), reverse=True):
            heapq.heapreplace(pieces, pieces[0] + seconds)
        parts += pieces
    names = tuple(unit.owner for unit in long)
    longest = duration(long[0].seconds)
    advice = f"Split {listing(names, shown=1)}: it takes {longest}, and a worker's share is "
    return Saving(Remedy.SPLIT, by(parts), f"{advice}{duration(share)}.", names)


def _slow_tests(
    run: RunRecord, units: Sequence[Unit], by: Callable[[Iterable[float]], float]
) -> Saving | None:
    times = [bounded(test.seconds) for test in run.tests.values() if test.seconds]
    if len(times) <= SLOWEST:
        return None
    usual = statistics.median(times)
    slowest = {
        test.place.test_id: bounded(test.seconds) - usual
        for test in run.slowest(SLOWEST)
        if bounded(test.seconds) > max(2 * usual, FLOOR_SECONDS)
    }
    changed = [
        unit.seconds
        - sum(
            min(slowest[test], seconds) for test, seconds in unit.tests.items() if test in slowest
        )
        for unit in units
    ]
    names = tuple(slowest)
    advice = f"Make {listing(names, shown=1)} as fast as most tests, which take {duration(usual)}."
    return Saving(Remedy.SLOW_TESTS, by(changed), advice, names)


def _template(run: RunRecord) -> Saving | None:
    made = [
        template
        for template in run.templates
        if isinstance(template, TemplateBuilt | TemplatePulled)
    ]
    if not made:
        return None
    seconds = sum(bounded(template.seconds) for template in made)
    names = tuple(dict.fromkeys(template.group for template in made))
    advice = (
        f"Build the template of {listing(names, shown=1)} before the run: keep the images between "
        "runs, or share them through a nearby registry."
    )
    # Templates may have been built side by side.
    return Saving(
        Remedy.TEMPLATE, min(seconds, phase_seconds(run, Phase.TEMPLATE) or seconds), advice, names
    )


def _start_up(run: RunRecord) -> Saving | None:
    begun = bounded(run.started.startup_seconds) if run.started is not None else 0.0
    seconds = begun + phase_seconds(run, Phase.START_UP, Phase.DISCOVERY)
    whole = whole_seconds(run)
    seconds = min(seconds, whole)
    share = seconds / whole if whole else 0.0
    return Saving(
        Remedy.START_UP,
        seconds,
        f"Import less at start-up: {share:.0%} of the run passes before its tests are found.",
    )
