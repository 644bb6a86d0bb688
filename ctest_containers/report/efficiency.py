"""How well the workers of a run were used."""

from __future__ import annotations

import bisect
import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Final, NamedTuple

from ctest_containers.events import Phase
from ctest_containers.names import owner_of
from ctest_containers.report.record import RunRecord, Status, TestRecord

FLOOR_SECONDS: Final = 0.05
"""Fixtures that take less are of no interest."""

FOREVER: Final = 1e9
"""No time is taken for longer, in seconds; a record may come from anywhere."""


@dataclass(frozen=True, slots=True)
class FixtureCost:
    """A class or a module whose fixtures take longer than its tests.

    Attributes:
        owner: Its dotted name.
        seconds: What its fixtures took, setUpTestData among them; no more can be saved there.
        tests_seconds: What its tests took.
        times: How often it was set up: several times where its tests were split.
    """

    owner: str
    seconds: float
    tests_seconds: float
    times: int


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What the workers did while there was something to do: in the phases containers and tests.

    Seconds are those of all workers together, but for `span_seconds`; all but `span_seconds` add
    up to that times the number of workers.

    Attributes:
        span_seconds: How long both phases took.
        busy_seconds: In tests and fixtures.
        beginning_seconds: Before a worker's first test or fixture: containers were not ready.
        end_seconds: After its last one, while others were still at it.
        given_up_seconds: In tries of tests that were given up and tried again.
        between_seconds: Between tests and fixtures otherwise: flushes, new servers, messages.
    """

    workers: int
    span_seconds: float
    busy_seconds: float
    beginning_seconds: float
    end_seconds: float
    given_up_seconds: float
    between_seconds: float

    @property
    def idle_seconds(self) -> float:
        """All that was not busy."""
        return math.fsum(
            (
                self.beginning_seconds,
                self.end_seconds,
                self.given_up_seconds,
                self.between_seconds,
            )
        )

    @property
    def share(self) -> float:
        """The busy part of all, from 0 to 1."""
        whole = self.busy_seconds + self.idle_seconds
        return self.busy_seconds / whole if whole > 0 else 0.0


@dataclass(slots=True)
class Unit:
    """What a worker did for one class, or for the fixtures of a module.

    Attributes:
        tests: What each of its tests took, with the pauses before it within the class.
        given_up: What of that were tries that were given up.
    """

    owner: str
    fixtures: float = 0.0
    tests: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    given_up: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.fixtures + sum(self.tests.values())


@dataclass(frozen=True, slots=True)
class Usage:
    """The workers of a run, class by class.

    Attributes:
        begins: When each worker began its first test, in seconds since containers were asked for.
        end: When the last of them ended its last one.
    """

    efficiency: Efficiency
    units: tuple[Unit, ...]
    begins: tuple[float, ...]
    end: float


class _Step(NamedTuple):
    begin: float
    end: float
    owner: str
    test: TestRecord | None
    is_rerun: bool = False


def fixture_costs(run: RunRecord) -> tuple[FixtureCost, ...]:
    """The classes and modules whose fixtures take longer than their tests; most seconds first."""
    tests: dict[str, float] = defaultdict(float)
    for test in run.tests.values():
        for owner in (test.class_name, test.class_name.rpartition(".")[0]):
            tests[owner] += bounded(test.seconds)
    fixtures: dict[str, list[float]] = defaultdict(list)
    times: dict[str, int] = defaultdict(int)
    for worker in run.workers.values():
        for fixture in worker.fixtures:
            owner = owner_of(fixture.name)
            fixtures[owner].append(bounded(fixture.seconds))
            times[owner] += fixture.name.startswith("setUp")
    costs = [
        FixtureCost(owner, sum(seconds), tests.get(owner, 0.0), times[owner])
        for owner, seconds in fixtures.items()
        if sum(seconds) >= FLOOR_SECONDS and sum(seconds) > tests.get(owner, 0.0)
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.seconds, cost.owner)))


def usage(run: RunRecord) -> Usage | None:
    """What the workers did; None for a run that did not come to its tests."""
    clock, span = _clock(run)
    steps = _steps(run, clock)
    planned = run.planned.workers if run.planned is not None else 0
    workers = max(planned, len(steps), len(run.workers))
    if span <= 0 or not workers:
        return None
    units: dict[tuple[int, str], Unit] = {}
    sums = dict.fromkeys(("busy", "beginning", "end", "given up", "between"), 0.0)
    begins, last = [], 0.0
    for number, mine in steps.items():
        cursor = mine[0].begin
        begins.append(cursor)
        sums["beginning"] += cursor
        before = ""
        for step in mine:
            unit = units.setdefault((number, step.owner), Unit(step.owner))
            pause = max(0.0, step.begin - cursor)
            given_up = step.test is not None and bool(step.test.retries)
            sums["given up" if given_up else "between"] += pause
            taken = max(0.0, step.end - max(cursor, step.begin))
            sums["given up" if step.is_rerun else "busy"] += taken
            cursor = max(cursor, step.end)
            if step.test is None:
                unit.fixtures += taken
            else:
                pause = pause if given_up or before == step.owner else 0.0
                unit.tests[step.test.place.test_id] += taken + pause
                unit.given_up += (pause if given_up else 0.0) + (taken if step.is_rerun else 0.0)
            before = step.owner
        last = max(last, cursor)
        sums["end"] += span - cursor
    # A worker that never began had nothing left to do, or no server.
    unseen = workers - len(steps)
    sums["beginning"] += unseen * span
    typical = statistics.fmean(begins) if begins else 0.0
    efficiency = Efficiency(
        workers,
        span,
        sums["busy"],
        sums["beginning"],
        sums["end"],
        sums["given up"],
        sums["between"],
    )
    return Usage(efficiency, tuple(units.values()), (*begins, *[typical] * unseen), last)


def bounded(seconds: float) -> float:
    """A time that can be reckoned with, whatever the record says; not below 0."""
    return min(seconds, FOREVER) if seconds > 0 else 0.0


def _parts(run: RunRecord, *phases: Phase) -> list[tuple[float, float]]:
    """When the run was in one of these phases, as (begin, end), in their order."""
    begins = sorted((bounded(at), phase) for at, phase in run.phases)
    ends = [*(at for at, _ in begins[1:]), bounded(run.ended)]
    return [
        (at, max(at, end))
        for (at, phase), end in zip(begins, ends, strict=False)
        if phase in phases
    ]


def phase_seconds(run: RunRecord, *phases: Phase) -> float:
    """How long the run was in these phases."""
    return sum(end - at for at, end in _parts(run, *phases))


def _clock(run: RunRecord) -> tuple[Callable[[float], float], float]:
    """What turns a time of the run into one within the phases that count, and how long they are."""
    parts = _parts(run, Phase.CONTAINERS, Phase.TESTS)
    begins = [at for at, _ in parts]
    gone = [0.0]
    for at, end in parts:
        gone.append(gone[-1] + end - at)

    def within(at: float) -> float:
        place = bisect.bisect_right(begins, at) - 1
        if place < 0:
            return 0.0
        begin, end = parts[place]
        return gone[place] + min(at, end) - begin

    return within, gone[-1]


def _steps(run: RunRecord, clock: Callable[[float], float]) -> dict[int, list[_Step]]:
    """What each worker did, in the order in which it did it."""
    steps: dict[int, list[_Step]] = defaultdict(list)
    for worker in run.workers.values():
        for fixture in worker.fixtures:
            at = bounded(fixture.started)
            step = _Step(
                clock(at), clock(at + bounded(fixture.seconds)), owner_of(fixture.name), None
            )
            steps[worker.number].append(step)
    for test in chain.from_iterable((test, *test.reruns) for test in run.tests.values()):
        at = bounded(test.started)
        if not test.worker or not at:
            continue
        # What has begun and not ended went on until the run or its worker was ended.
        seconds = FOREVER if _is_open(test) else bounded(test.seconds)
        is_rerun = run.tests[test.index] is not test
        step = _Step(clock(at), clock(at + seconds), test.class_name, test, is_rerun)
        steps[test.worker].append(step)
    for mine in steps.values():
        mine.sort(key=lambda step: step[:2])
        for place, (step, following) in enumerate(pairwise(mine)):
            if step.test is not None and _is_open(step.test):
                mine[place] = step._replace(end=following.begin)
    return steps


def _is_open(test: TestRecord) -> bool:
    return test.status is Status.NOT_RUN and not test.seconds
