"""The pool accounts for every test, whatever its workers do."""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from unit.fakes import FakeSupply, World

from ctest_containers.errors import WorkerError
from ctest_containers.events import (
    Event,
    TestFinished,
    TestOutcome,
    TestStarted,
    WorkerLost,
    WorkerPaused,
    WorkerRecycled,
    WorkerResumed,
    WorkerRetired,
    WorkerStarted,
)
from ctest_containers.limits import Limits
from ctest_containers.project.suite import Batch
from ctest_containers.wire import Quit, RunBatch, UseResources
from ctest_containers.workers import memory as memory_module
from ctest_containers.workers.crash_accounting import FIXTURE_TRIES, UNREADY_LIMIT
from ctest_containers.workers.memory import MemoryWatch
from ctest_containers.workers.pool import WorkerPool


class Case(unittest.TestCase):
    """A test that is never run here."""

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """Give the test its name."""


def _batches(*sizes: int, aliases: frozenset[str] = frozenset(["default"])) -> list[Batch]:
    batches: list[Batch] = []
    first = 0
    for number, size in enumerate(sizes):
        tests: list[unittest.TestCase] = [Case() for _ in range(size)]
        batches.append(Batch(number=number, first=first, tests=tests, aliases=aliases))
        first += size
    return batches


def _started(events: list[Event]) -> list[int]:
    """The places of tests in the order in which they began."""
    return [event.index for event in events if isinstance(event, TestStarted)]


@pytest.fixture
def supply() -> Iterator[FakeSupply]:
    """Databases for the alias `default`, there at once."""
    fake = FakeSupply()
    yield fake
    fake.close()


def _run(
    world: World,
    supply: FakeSupply,
    *,
    workers: int = 2,
    stopping: Callable[[], bool] = lambda: False,
    events: list[Event] | None = None,
    memory: MemoryWatch | None = None,
    expected: Mapping[int, float] | None = None,
) -> list[Event]:
    found: list[Event] = [] if events is None else events
    pool = WorkerPool(
        workers=workers,
        batches=world.batches,
        supplier=supply,
        start=world.start,
        report=found.append,
        stopping=stopping,
        limits=Limits(per_test=None, per_worker=None, whole_run=None),
        memory=memory,
        expected=expected or {},
    )
    pool.run()
    return found


def _finished(events: list[Event]) -> Counter[int]:
    return Counter(event.index for event in events if isinstance(event, TestFinished))


def _errors(events: list[Event]) -> dict[int | None, str]:
    """The report on each test that went wrong, by its place."""
    return {
        event.index: event.problem.text
        for event in events
        if isinstance(event, TestOutcome) and event.problem is not None
    }


def test_every_batch_runs_once(supply: FakeSupply) -> None:
    world = World(_batches(2, 1, 3, 1))

    events = _run(world, supply)

    assert _finished(events) == Counter(range(7))
    assert _errors(events) == {}
    given = [one for process in world.processes for one in process.commands]
    assert sorted(one.batch for one in given if isinstance(one, RunBatch)) == [0, 1, 2, 3]


def test_the_tests_of_a_batch_run_in_one_worker(supply: FakeSupply) -> None:
    events = _run(World(_batches(4, 4)), supply)

    workers = {event.index: event.worker for event in events if isinstance(event, TestFinished)}
    assert len({workers[index] for index in range(4)}) == 1
    assert len({workers[index] for index in range(4, 8)}) == 1


def test_there_are_no_more_workers_than_planned(supply: FakeSupply) -> None:
    world = World(_batches(1, 1, 1, 1, 1))

    events = _run(world, supply, workers=3)

    started = [event.worker for event in events if isinstance(event, WorkerStarted)]
    assert sorted(started) == [1, 2, 3]


def test_no_worker_is_started_for_nothing(supply: FakeSupply) -> None:
    world = World(_batches(1))

    _run(world, supply, workers=3)

    assert len(world.processes) == 1


def test_without_a_batch_there_is_nothing_to_do(supply: FakeSupply) -> None:
    assert _run(World([]), supply, workers=0) == []


def test_workers_are_told_to_quit_and_waited_for(supply: FakeSupply) -> None:
    world = World(_batches(1, 1))

    _run(world, supply)

    assert all(process.commands[-1] == Quit() for process in world.processes)
    assert all(process.joined for process in world.processes)
    assert not any(process.killed for process in world.processes)


def test_a_worker_is_given_a_database_once(supply: FakeSupply) -> None:
    world = World(_batches(1, 1, 1))

    _run(world, supply, workers=1)

    kinds = [type(one) for one in world.processes[0].commands]
    assert kinds == [UseResources, RunBatch, RunBatch, RunBatch, Quit]


def test_a_batch_without_databases_waits_for_none() -> None:
    world = World(_batches(1, aliases=frozenset()))
    supply = FakeSupply(slow=False)

    _run(world, supply)

    supply.close()
    assert [type(one) for one in world.processes[0].commands] == [RunBatch, Quit]


def test_a_worker_waits_for_servers_that_are_coming_up() -> None:
    world = World(_batches(1, 1, 1))
    supply = FakeSupply(slow=True)

    events = _run(world, supply)

    supply.close()
    assert _finished(events) == Counter(range(3))


def test_a_test_that_ends_its_worker_is_reported_with_the_cause(supply: FakeSupply) -> None:
    world = World(_batches(3), fatal_tests={1})

    events = _run(world, supply)

    assert list(_errors(events)) == [1]
    assert "signal 9 (SIGKILL)" in _errors(events)[1]
    lost = [event for event in events if isinstance(event, WorkerLost)]
    assert [(one.cause, one.test_id) for one in lost] == [("signal 9 (SIGKILL)", Case().id())]


def test_what_a_worker_said_of_its_own_end_is_part_of_the_report(supply: FakeSupply) -> None:
    world = World(_batches(1), fatal_tests={0}, failures={0: "Traceback of the end"})

    events = _run(world, supply)

    assert "Traceback of the end" in _errors(events)[0]


def test_the_rest_of_the_batch_of_a_lost_worker_runs_elsewhere(supply: FakeSupply) -> None:
    world = World(_batches(4), fatal_tests={1})

    events = _run(world, supply, workers=1)

    assert _finished(events) == Counter(range(4))
    assert RunBatch(batch=0, skip=(0, 1)) in world.processes[1].commands


def test_a_new_worker_has_the_number_of_the_lost_one(supply: FakeSupply) -> None:
    """Numbers are workers: no database is ever looked for under a number that the run lacks."""
    world = World(_batches(3), fatal_tests={0, 1, 2})

    _run(world, supply, workers=1)

    assert {process.number for process in world.processes} == {1}


def test_the_databases_of_a_lost_worker_are_discarded(supply: FakeSupply) -> None:
    world = World(_batches(2), fatal_tests={0})

    _run(world, supply, workers=1)

    assert supply.released == [1]
    assert isinstance(world.processes[1].commands[0], UseResources)


@pytest.mark.parametrize("times", range(1, FIXTURE_TRIES))
def test_a_fixture_that_ends_its_worker_gets_another_try(times: int, supply: FakeSupply) -> None:
    world = World(_batches(2), fatal_fixtures={0: times})

    events = _run(world, supply)

    assert _finished(events) == Counter(range(2))
    assert _errors(events) == {}


def test_a_batch_whose_fixture_always_ends_its_worker_is_given_up(supply: FakeSupply) -> None:
    world = World(_batches(2, 3, 1), fatal_fixtures={1: FIXTURE_TRIES})

    events = _run(world, supply)

    assert _finished(events) == Counter(range(6))
    assert sorted(index for index in _errors(events) if index is not None) == [2, 3, 4]
    assert all("fixtures" in text for text in _errors(events).values())


def test_a_fixture_that_ends_its_worker_after_the_last_test_is_an_error(
    supply: FakeSupply,
) -> None:
    """All tests passed by then; the run must not."""
    world = World(_batches(2), fatal_ends={0})

    events = _run(world, supply)

    assert _finished(events) == Counter(range(2))
    assert len(_errors(events)) == 1


def test_a_worker_that_ends_between_the_success_of_a_test_and_its_end_does_not_make_it_an_error(
    supply: FakeSupply,
) -> None:
    world = World(_batches(3), fatal_reports={1})

    events = _run(world, supply, workers=1)

    assert _finished(events) == Counter(range(3))
    assert Counter(one.index for one in events if isinstance(one, TestOutcome)) == Counter(
        [0, 1, 2, None]
    )
    assert list(_errors(events)) == [None]
    assert "after this test" in _errors(events)[None]


def test_each_report_of_a_test_stands_between_its_start_and_its_end(
    supply: FakeSupply,
) -> None:
    world = World(_batches(2, 2, 2), fatal_tests={1, 4}, fatal_fixtures={1: FIXTURE_TRIES})

    events = _run(world, supply)

    for index in range(6):
        kinds = [
            type(event)
            for event in events
            if isinstance(event, (TestStarted, TestOutcome, TestFinished)) and event.index == index
        ]
        assert kinds == [TestStarted, TestOutcome, TestFinished]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_end_at_once_again_and_again_end_the_run(
    supply: FakeSupply, workers: int
) -> None:
    world = World(_batches(1, 1, 1, 1, 1, 1), stillborn=1000)

    with pytest.raises(WorkerError, match="in a row") as caught:
        _run(world, supply, workers=workers)

    assert "signal 9 (SIGKILL)" in caught.value.message
    assert len(world.processes) <= (UNREADY_LIMIT + 1) * workers
    assert all(process.joined for process in world.processes)


def test_some_workers_that_end_at_once_do_not_end_the_run(supply: FakeSupply) -> None:
    world = World(_batches(1, 1), stillborn=1)

    events = _run(world, supply, workers=1)

    assert _finished(events) == Counter(range(2))


def test_stopping_ends_the_run_after_the_tests_that_are_running(supply: FakeSupply) -> None:
    events: list[Event] = []
    world = World(_batches(5, 5, 5))

    _run(
        world,
        supply,
        events=events,
        stopping=lambda: any(isinstance(event, TestFinished) for event in events),
    )

    started = Counter(event.index for event in events if isinstance(event, TestStarted))
    assert 1 <= len(started) < 10
    assert _finished(events) == started
    assert all(process.interrupted <= 1 for process in world.processes)
    assert all(process.joined for process in world.processes)


def test_a_worker_that_hears_of_ctrl_c_before_its_parent_does_leaves_no_test_uncounted(
    supply: FakeSupply,
) -> None:
    """At a terminal, every process gets the signal."""
    world = World(_batches(5), stops_after=1)
    pool = WorkerPool(
        workers=1,
        batches=world.batches,
        supplier=supply,
        start=world.start,
        report=lambda _: None,
        stopping=lambda: False,
        limits=Limits(per_test=None, per_worker=None, whole_run=None),
    )

    pool.run()

    assert pool.not_run == 3


def test_a_run_that_is_stopped_before_it_begins_starts_nothing(supply: FakeSupply) -> None:
    world = World(_batches(2))

    events = _run(world, supply, stopping=lambda: True)

    assert events == []
    assert world.processes == []


def test_a_worker_lost_while_stopping_is_not_replaced(supply: FakeSupply) -> None:
    events: list[Event] = []
    world = World(_batches(3), fatal_tests={0})

    _run(
        world,
        supply,
        workers=1,
        events=events,
        stopping=lambda: any(isinstance(event, TestStarted) for event in events),
    )

    assert list(_errors(events)) == [0]
    assert len(world.processes) == 1


def test_a_database_that_a_test_wants_is_given_to_it() -> None:
    world = World(_batches(2), wants={1: "other"})
    supply = FakeSupply({"default", "other"})

    events = _run(world, supply)

    supply.close()
    assert _finished(events) == Counter(range(2))
    commands = world.processes[0].commands
    assert [type(one) for one in commands] == [UseResources, RunBatch, UseResources, Quit]
    assert isinstance(commands[2], UseResources)
    assert [lease.alias for lease in commands[2].databases] == ["other"]


def test_a_database_that_the_run_does_not_have_is_answered_with_none(
    supply: FakeSupply,
) -> None:
    world = World(_batches(1), wants={0: "unknown"})

    _run(world, supply)

    assert world.processes[0].commands[2] == UseResources(databases=(), answers="unknown")


def test_an_error_in_a_report_leaves_no_worker_behind(supply: FakeSupply) -> None:
    world = World(_batches(3, 3))

    def report(event: Event) -> None:
        if isinstance(event, TestFinished):
            raise ZeroDivisionError

    pool = WorkerPool(
        workers=2,
        batches=world.batches,
        supplier=supply,
        start=world.start,
        report=report,
        stopping=lambda: False,
        limits=Limits(per_test=None, per_worker=None, whole_run=None),
    )

    with pytest.raises(ZeroDivisionError):
        pool.run()

    assert all(process.joined for process in world.processes)
    assert any(process.killed for process in world.processes)


def test_what_may_remove_rows_does_not_overtake_what_needs_them_and_waits_for_its_server() -> None:
    needing, removing = _batches(1, 1)
    needing = replace(needing, needs_rows=True)
    removing = replace(removing, removes_rows=True, aliases=frozenset())
    supply = FakeSupply(slow=True)

    events = _run(World([needing, removing]), supply, workers=1)

    assert _started(events) == [0, 1]
    supply.close()


def test_a_worker_whose_rows_may_be_gone_is_renewed_for_a_test_that_needs_them(
    supply: FakeSupply,
) -> None:
    batches = [replace(one, needs_rows=True, removes_rows=True) for one in _batches(1, 1)]
    world = World(batches)

    events = _run(world, supply, workers=1)

    assert _started(events) == [0, 1]
    assert len(world.processes) == 2
    assert supply.released == [1]
    assert _errors(events) == {}


def test_a_worker_whose_rows_may_be_gone_goes_on_with_tests_that_need_none(
    supply: FakeSupply,
) -> None:
    removing, other = _batches(1, 1)
    world = World([replace(removing, removes_rows=True), other])

    _run(world, supply, workers=1)

    assert len(world.processes) == 1
    assert supply.released == []


def test_no_batch_follows_on_a_server_where_a_later_one_may_have_left_rows(
    supply: FakeSupply,
) -> None:
    batches = [
        replace(one, removes_rows=number > 0) for number, one in enumerate(_batches(*[1] * 6))
    ]
    for number in (2, 5):
        batches[number] = replace(batches[number], leaves_rows=True)
    world = World(batches)

    events = _run(world, supply, expected={2: 9.0})

    assert sorted(_started(events)) == list(range(6))
    for process in world.processes:
        given = [one.batch for one in process.commands if isinstance(one, RunBatch)]
        for place, number in enumerate(given):
            if number in {2, 5}:
                assert [one for one in given[place:] if one < number] == []


def test_batches_with_the_same_exclusive_resource_never_overlap(
    supply: FakeSupply,
) -> None:
    *batches, other = _batches(2, 2, 2, 2)
    world = World([*(replace(one, exclusive=frozenset(["lock"])) for one in batches), other])
    running: set[int] = set()
    together: list[set[int]] = []

    for event in _run(world, supply, workers=3):
        if isinstance(event, TestStarted):
            running.add(event.index)
            together.append({index for index in running if index < 6})
        elif isinstance(event, TestFinished):
            running.discard(event.index)

    assert max(map(len, together)) == 1
    assert len(together) == 8
    # The first worker had nothing else to do, and was not renewed for that.
    assert supply.released == []


def test_a_worker_that_loses_its_servers_with_one_that_does_not_start_is_replaced() -> None:
    first, second = _batches(1, 1)
    second = replace(second, aliases=frozenset(["default", "other"]))
    world = World([first, second])
    supply = FakeSupply(["default", "other"], failing={"other": 2})

    events = _run(world, supply, workers=1)

    assert _errors(events) == {}
    assert _finished(events) == Counter([0, 1])
    last = world.processes[-1].commands
    leased = [
        lease.alias for one in last if isinstance(one, UseResources) for lease in one.databases
    ]
    assert sorted(leased) == ["default", "other"]
    supply.close()


def test_a_worker_whose_server_never_starts_leaves_its_tests_to_the_others() -> None:
    world = World(_batches(1, 1, 1))
    supply = FakeSupply(failing={"default": 3})

    events = _run(world, supply, workers=2)

    assert _finished(events) == Counter([0, 1, 2])
    assert [one.worker for one in events if isinstance(one, WorkerRetired)] in ([1], [2], [])
    supply.close()


class Memory:
    """What is available, as a test has it; looked at without delay.

    Attributes:
        available: In bytes.
    """

    def __init__(self, available: int) -> None:
        self.available = available

    def watch(self, process_limit_bytes: int | None = None) -> MemoryWatch:
        """One that keeps 100 bytes free, and takes a worker to need 50."""
        return MemoryWatch(
            available=lambda: self.available,
            floor_bytes=100,
            worker_bytes=50,
            process_limit_bytes=process_limit_bytes,
        )


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is looked at, and workers given up or taken back, without a pause."""
    monkeypatch.setattr(memory_module, "MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(memory_module, "CHANGE_SECONDS", 0.0)


def test_no_new_worker_starts_while_memory_is_short_but_one_always_does(
    supply: FakeSupply,
) -> None:
    world = World(_batches(1, 1, 1))

    events = _run(world, supply, workers=3, memory=Memory(99).watch())

    assert _finished(events) == Counter([0, 1, 2])
    assert len(world.processes) == 1
    assert len([one for one in events if isinstance(one, WorkerPaused)]) == 2


@pytest.mark.usefixtures("at_once")
def test_the_youngest_idle_worker_is_given_up_and_comes_back_with_the_memory(
    supply: FakeSupply,
) -> None:
    memory = Memory(1000)
    events: list[Event] = []

    def change(index: int) -> None:
        memory.available = {4: 99, 12: 149, 16: 150}.get(index, memory.available)

    world = World(_batches(*[1] * 40), before_test=change)

    _run(world, supply, workers=2, memory=memory.watch(), events=events)

    assert _finished(events) == Counter(range(40))
    changes = [one for one in events if isinstance(one, (WorkerPaused, WorkerResumed))]
    assert [type(one) for one in changes] == [WorkerPaused, WorkerResumed]
    assert changes[0].worker == changes[1].worker
    assert (changes[0].available_bytes, changes[1].available_bytes) == (99, 150)
    assert supply.released == [changes[0].worker]
    assert len(world.processes) == 3


@pytest.mark.usefixtures("at_once")
def test_a_worker_that_was_given_up_takes_over_when_the_last_other_one_has_no_server() -> None:
    world = World(_batches(1, 1))
    supply = FakeSupply(failing={"default": 3})

    events = _run(world, supply, workers=2, memory=Memory(99).watch())

    assert _finished(events) == Counter([0, 1])
    supply.close()


def test_a_worker_that_has_grown_goes_on_in_a_new_process_with_the_same_server(
    supply: FakeSupply,
) -> None:
    world = World(_batches(1, 1, 1), memory_bytes=201)

    events = _run(world, supply, workers=1, memory=Memory(1000).watch(200))

    assert _finished(events) == Counter([0, 1, 2])
    assert len(world.processes) == 3
    assert supply.released == []
    recycled = [one for one in events if isinstance(one, WorkerRecycled)]
    assert [(one.memory_bytes, one.limit_bytes) for one in recycled] == [(201, 200)] * 2
    assert all(isinstance(one.commands[0], UseResources) for one in world.processes)


def test_what_removes_rows_begins_early_on_one_worker_when_it_takes_longest(
    supply: FakeSupply,
) -> None:
    *needing, removing = _batches(1, 1, 1, 1, 1)
    batches = [replace(one, needs_rows=True) for one in needing]
    batches.append(replace(removing, removes_rows=True))
    world = World(batches)

    events = _run(world, supply, expected={0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0, 4: 9.0})

    assert 4 in _started(events)[:2]
    assert _finished(events) == Counter(range(5))
    assert len(world.processes) == 2
    given = [
        [one.batch for one in process.commands if isinstance(one, RunBatch)]
        for process in world.processes
    ]
    assert sorted(given) == [[0, 1, 2, 3], [4]]


def test_what_is_said_of_the_fixtures_of_a_class_in_several_parts_is_said_once(
    supply: FakeSupply,
) -> None:
    batches = [replace(one, part_of=0) for one in _batches(1, 1)]
    world = World(batches, fixture_error="setUpClass (shop.Tests)")

    events = _run(world, supply)

    said = [one for one in events if isinstance(one, TestOutcome) and one.index is None]
    assert [one.test_id for one in said] == ["setUpClass (shop.Tests)"]
