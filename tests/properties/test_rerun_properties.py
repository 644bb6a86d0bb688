"""What fails in the end, and what is flaky, follows from how often each test fails."""

from __future__ import annotations

import unittest
from collections.abc import Mapping
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st
from unit.fakes import FakeSupply, World
from unit.report.making import STARTED

from ctest_containers.config import Config
from ctest_containers.events import (
    Event,
    RerunStarted,
    RunFinished,
    TestPlace,
    TestsFound,
    TimePassed,
    WorkerStarted,
)
from ctest_containers.limits import Limits
from ctest_containers.project.suite import Batch
from ctest_containers.report.record import RunRecord, Status
from ctest_containers.report.recording import record_of
from ctest_containers.session.listening import Listeners
from ctest_containers.wire import RunBatch
from ctest_containers.workers.pool import WorkerPool


def _batches(sizes: list[int]) -> list[Batch]:
    """Batches of one class each."""
    batches: list[Batch] = []
    first = 0
    for number, size in enumerate(sizes):
        members = {f"test_{place}": lambda _: None for place in range(size)}
        kind = type(f"Class{number}", (unittest.TestCase,), members)
        tests: list[unittest.TestCase] = [kind(name) for name in members]
        aliases = frozenset(["default"] if number % 2 else [])
        batches.append(Batch(number=number, first=first, tests=tests, aliases=aliases))
        first += size
    return batches


def _run(
    world: World, supply: FakeSupply, *, workers: int, reruns: int
) -> tuple[list[Event], Listeners, unittest.TestResult]:
    tests = [test for batch in world.batches for test in batch.tests]
    result = unittest.TestResult()
    listeners = Listeners(Config(rerun=reruns), result, tests)
    places = tuple(TestPlace(test_id=test.id()) for test in tests)
    events: list[Event] = [STARTED, TestsFound(tests=places)]

    def report(event: Event) -> None:
        events.append(event)
        for listener in listeners.reports:
            listener.handle(event, 0.0)

    WorkerPool(
        workers=workers,
        batches=world.batches,
        supplier=supply,
        start=world.start,
        report=report,
        stopping=lambda: bool(result.shouldStop),
        limits=Limits(per_test=None, per_worker=None, whole_run=None),
        reruns=reruns,
    ).run()
    listeners.finish()
    events.append(RunFinished(not_run=0, failure="", flaky_fails=True))
    return events, listeners, result


def _record(events: list[Event]) -> RunRecord:
    return record_of((float(at), event) for at, event in enumerate(events))


FAILURES = st.sampled_from([0, 0, 0, 1, 2, 3, 9])
"""How often a test or a fixture fails before it passes."""


@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=5),
    workers=st.integers(1, 3),
    reruns=st.integers(0, 3),
    slow=st.booleans(),
    data=st.data(),
)
def test_a_test_fails_if_each_of_its_attempts_does_and_is_flaky_if_some_do(
    sizes: list[int], workers: int, reruns: int, *, slow: bool, data: st.DataObject
) -> None:
    batches = _batches(sizes)
    failing = {index: data.draw(FAILURES) for index in range(sum(sizes))}
    setups = {batch.number: data.draw(FAILURES) for batch in batches}
    fatal = {index for index in failing if data.draw(st.integers(0, 9)) == 0}
    world = World(batches, failing_tests={**failing}, failing_setups={**setups}, fatal_tests=fatal)
    every = [test for batch in batches for test in batch.tests]
    tests = {index: test.id() for index, test in enumerate(every)}

    with closing(FakeSupply(slow=slow)) as supply:
        events, listeners, result = _run(world, supply, workers=workers, reruns=reruns)

    failed, flaky, fixtures = _expected(batches, failing, setups, fatal, reruns)
    run = _record(events)
    assert {test.index for test in run.tests.values() if test.status.is_bad} == failed
    assert {test.index for test in run.flaky_tests} == flaky
    assert {outcome.test_id for _, outcome in run.bad_fixtures} == fixtures["failed"]
    assert {outcome.test_id for _, outcome in run.flaky_fixtures} == fixtures["flaky"]
    bad = [test.id() for test, _ in [*result.failures, *result.errors]]
    assert sorted(bad) == sorted([*(tests[index] for index in failed), *fixtures["failed"]])
    assert set(listeners.flaky) == {*(tests[index] for index in flaky), *fixtures["flaky"]}
    ran = sum(test.status is not Status.NOT_RUN for test in run.tests.values())
    assert result.testsRun == ran
    _check_that_reruns_were_alone(events, world)


def _expected(
    batches: list[Batch],
    failing: Mapping[int, int],
    setups: Mapping[int, int],
    fatal: set[int],
    reruns: int,
) -> tuple[set[int], set[int], dict[str, set[str]]]:
    """The model: which tests fail, which are flaky, and the same of fixtures."""
    failed, flaky = set[int](), set[int]()
    fixtures: dict[str, set[str]] = {"failed": set(), "flaky": set()}
    for batch in batches:
        kind = type(batch.tests[0])
        name = f"setUpClass ({kind.__module__}.{kind.__qualname__})"
        broken = setups[batch.number]
        if broken > reruns:
            fixtures["failed"].add(name)
            continue
        if broken:
            fixtures["flaky"].add(name)
        for index in batch.indices:
            # With its fixture, a test runs again until neither fails.
            left = reruns - broken
            if index in fatal or failing[index] > left:
                failed.add(index)
            elif failing[index]:
                flaky.add(index)
    return failed, flaky, fixtures


def _check_that_reruns_were_alone(events: list[Event], world: World) -> None:
    """Each attempt was the only batch of its process."""
    started = [event for event in events if isinstance(event, (WorkerStarted, RerunStarted))]
    processes = iter(world.processes)
    current: dict[int, list[RunBatch]] = {}
    for event in started:
        if isinstance(event, WorkerStarted):
            process = next(processes)
            batches = [one for one in process.commands if isinstance(one, RunBatch)]
            current[event.worker] = batches
        else:
            assert len(current[event.worker]) == 1


@given(sizes=st.lists(st.integers(1, 3), min_size=1, max_size=5), reruns=st.integers(1, 3))
def test_without_failures_reruns_change_nothing(sizes: list[int], reruns: int) -> None:
    logs = []
    for count in (0, reruns):
        world = World(_batches(sizes))
        with closing(FakeSupply()) as supply:
            events, _, result = _run(world, supply, workers=1, reruns=count)
        logs.append([event for event in events if not isinstance(event, TimePassed)])
        assert result.testsRun == sum(sizes)
        assert supply.released == []

    assert logs[0] == logs[1]
