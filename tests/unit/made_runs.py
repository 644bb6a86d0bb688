"""Records of runs that never were, put together from their events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from unit.report import making

from ctest_containers.events import (
    Event,
    FixtureFinished,
    FixtureStarted,
    OutcomeKind,
    Phase,
    PhaseStarted,
    Problem,
    RunFinished,
    TemplateBuilt,
    TestFinished,
    TestOutcome,
    TestPlace,
    TestRetried,
    TestsFound,
    TestStarted,
    WorkersPlanned,
)
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import record_of

PASSED = OutcomeKind.SUCCESS
FAILED = OutcomeKind.FAILURE
SKIPPED = OutcomeKind.SKIP


@dataclass(frozen=True, slots=True)
class Made:
    """A test, and what becomes of it.

    Attributes:
        kind: None for one that is not run.
        tried: How many seconds a first try took that was given up.
    """

    __test__ = False

    test_id: str
    seconds: float = 0.1
    kind: OutcomeKind | None = PASSED
    worker: int = 1
    tried: float = 0.0


def made_run(
    tests: Iterable[Made],
    *,
    fixtures: Mapping[str, float] | None = None,
    workers: int = 1,
    begins: Sequence[float] = (),
    discovery: float = 0.0,
    template: float = 0.0,
    clean_up: float = 0.0,
) -> RunRecord:
    """A run in which each worker runs its tests one right after another.

    Args:
        fixtures: How many seconds setUpClass takes, by class.
        begins: When each worker begins, in seconds after the containers were asked for.
        discovery: How many seconds it takes before that.
        template: The same of a template that is built then.
    """
    every = list(tests)
    fixtures = fixtures or {}
    found: list[tuple[float, Event]] = [(0.0, STARTED), (1.0, _phase(Phase.DISCOVERY))]
    found.append((1.0, TestsFound(tests=tuple(TestPlace(test_id=one.test_id) for one in every))))
    found.append((1.0, WorkersPlanned(workers=workers, reason="", limits=(), warnings=())))
    at = 1.0 + discovery
    if template:
        found.append((at, _phase(Phase.TEMPLATE)))
        at += template
        built = TemplateBuilt(group="one", fingerprint="f", seconds=template, incremental=False)
        found.append((at, built))
    found.append((at, _phase(Phase.CONTAINERS)))
    free = {number: at + begin for number, begin in enumerate(begins, start=1)}
    found.append((at + min(begins, default=0.0), _phase(Phase.TESTS)))
    seen: set[tuple[int, str]] = set()
    for index, one in enumerate(every):
        name = one.test_id.rpartition(".")[0]
        now = free.get(one.worker, at)
        if name in fixtures and (one.worker, name) not in seen:
            seen.add((one.worker, name))
            fixture, seconds = f"setUpClass ({name})", fixtures[name]
            found.append((now, FixtureStarted(worker=one.worker, fixture=fixture)))
            now += seconds
            found.append((now, FixtureFinished(worker=one.worker, seconds=seconds)))
        if one.kind is not None:
            for when, event in _events(index, one, one.kind):
                found.append((now + when, event))
            now += one.tried + one.seconds
        free[one.worker] = now
    end = max(free.values(), default=at)
    found.sort(key=lambda pair: pair[0])
    found.append((end, _phase(Phase.CLEAN_UP)))
    found.append((end + clean_up, RunFinished(not_run=0, failure="")))
    return record_of(found)


def steady(count: int, seconds: float = 1.0) -> list[Made]:
    """Tests of one class that all take the same time."""
    return [Made(f"shop.Steady.test_{number:03}", seconds) for number in range(count)]


STARTED = replace(making.STARTED, run="0d8ad5e0", startup_seconds=0.0)

_PROBLEM = Problem(
    type_name="AssertionError", module="builtins", message="", text="", is_failure=True
)


def _phase(phase: Phase) -> PhaseStarted:
    return PhaseStarted(phase=phase)


def _events(index: int, one: Made, kind: OutcomeKind) -> Iterable[tuple[float, Event]]:
    worker, test_id = one.worker, one.test_id
    # The start that counts is that of the last try; this order is kept where times are equal.
    yield 0.0, TestStarted(worker=worker, index=index, test_id=test_id)
    if one.tried:
        yield (
            one.tried,
            TestRetried(worker=worker, index=index, test_id=test_id, limit_seconds=one.tried),
        )
        yield one.tried, TestStarted(worker=worker, index=index, test_id=test_id)
    problem = _PROBLEM if kind is FAILED else None
    end = one.tried + one.seconds
    yield (
        end,
        TestOutcome(worker=worker, index=index, test_id=test_id, kind=kind, problem=problem),
    )
    yield end, TestFinished(worker=worker, index=index, seconds=one.seconds)
