"""Whatever workers do, every test ends once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import closing
from dataclasses import replace
from typing import Any

from harness.batches import batches_of
from hypothesis import given
from hypothesis import strategies as st
from unit.fakes import FakeSupply, World

from ctest_containers.events import Event, RunTimedOut, TestFinished, TestOutcome, TestStarted
from ctest_containers.limits import Limit, Limits
from ctest_containers.project.suite import Batch
from ctest_containers.session.schedule import longest_first
from ctest_containers.wire import RunBatch
from ctest_containers.workers.crash_accounting import FIXTURE_TRIES
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.pool import WorkerPool


def _run(world: World, *, workers: int, slow: bool, stop_after: int | None = None) -> list[Event]:
    events: list[Event] = []

    def stopping() -> bool:
        ended = sum(isinstance(event, TestFinished) for event in events)
        return stop_after is not None and ended >= stop_after

    with closing(FakeSupply(slow=slow)) as supply:
        pool = WorkerPool(
            workers=workers,
            batches=world.batches,
            supplier=supply,
            start=world.start,
            report=events.append,
            stopping=stopping,
            limits=Limits(per_test=None, per_worker=None, whole_run=None),
        )
        pool.run()
    return events


def _fatal(indices: int) -> st.SearchStrategy[Collection[int]]:
    return st.sets(st.integers(0, max(0, indices - 1)), max_size=6)


@given(
    sizes=st.lists(st.integers(1, 4), max_size=6),
    workers=st.integers(1, 3),
    slow=st.booleans(),
    data=st.data(),
)
def test_every_test_ends_once_whichever_tests_end_their_workers(
    sizes: list[int], workers: int, *, slow: bool, data: st.DataObject
) -> None:
    """And the fixture of one batch besides."""
    fatal_tests = data.draw(_fatal(sum(sizes)))
    broken = data.draw(st.integers(0, 5))
    times = data.draw(st.integers(0, FIXTURE_TRIES))
    world = World(
        batches_of(sizes, ["default"]), fatal_tests=fatal_tests, fatal_fixtures={broken: times}
    )

    events = _run(world, workers=workers, slow=slow)

    given_up = (
        set(world.batches[broken].indices)
        if times == FIXTURE_TRIES and broken < len(sizes)
        else set[int]()
    )
    finished = Counter(event.index for event in events if isinstance(event, TestFinished))
    started = Counter(event.index for event in events if isinstance(event, TestStarted))
    failed = [event.index for event in events if isinstance(event, TestOutcome) and event.problem]
    assert finished == Counter(range(sum(sizes)))
    assert started == finished
    assert Counter(failed) == Counter({*fatal_tests} & {*range(sum(sizes))} | given_up)
    assert all(process.joined for process in world.processes)


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    workers=st.integers(1, 3),
    stop_after=st.integers(0, 10),
    data=st.data(),
)
def test_a_run_that_is_stopped_leaves_no_test_unfinished(
    sizes: list[int], workers: int, stop_after: int, data: st.DataObject
) -> None:
    world = World(batches_of(sizes, ["default"]), fatal_tests=data.draw(_fatal(sum(sizes))))

    events = _run(world, workers=workers, slow=False, stop_after=stop_after)

    started = Counter(event.index for event in events if isinstance(event, TestStarted))
    finished = Counter(event.index for event in events if isinstance(event, TestFinished))
    assert finished == started
    assert len(finished) >= min(stop_after, sum(sizes))
    assert len(finished) <= stop_after + workers
    assert all(process.joined for process in world.processes)


DEFAULT = frozenset(["default"])
KINDS: dict[str, dict[str, Any]] = {
    "test": {"needs_rows": True},
    "simple": {"aliases": frozenset()},
    "transactions": {"removes_rows": True, "flushes": DEFAULT},
    "with databases": {"removes_rows": True, "leaves_rows": True},
    "plain": {"removes_rows": True, "leaves_rows": True, "aliases": frozenset()},
}
"""What batches of a kind are like that are not like the others."""


@st.composite
def _batches(draw: st.DrawFn) -> list[Batch]:
    """Batches as a suite of Django's has them."""
    rank = {"test": 0, "plain": 2}
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=8))
    kinds.sort(key=lambda kind: rank.get(kind, 1))
    batches: list[Batch] = []
    flushed: frozenset[str] = frozenset()
    for kind, batch in zip(kinds, batches_of([2] * len(kinds), DEFAULT), strict=True):
        exclusive = draw(st.sampled_from([frozenset[str](), frozenset(["lock"])]))
        changed = replace(batch, **KINDS[kind], exclusive=exclusive)
        batches.append(replace(changed, unflushed=changed.aliases - flushed))
        flushed |= changed.flushes
    return batches


@given(batches=_batches(), workers=st.integers(1, 4), data=st.data())
def test_every_batch_finds_its_database_as_in_a_serial_run(
    batches: list[Batch], workers: int, data: st.DataObject
) -> None:
    """It is flushed or not, and has the rows that others leave, whichever classes flush it really.

    And no worker waits for ever.
    """
    may_flush = [batch.number for batch in batches if batch.flushes]
    flushing = {number for number in may_flush if data.draw(st.booleans())}
    seconds = {batch.number: data.draw(st.floats(0, 9)) for batch in batches}
    world = World(batches, flushing=flushing)
    events: list[Event] = []

    with closing(FakeSupply()) as supply:
        pool = WorkerPool(
            workers=workers,
            batches=longest_first(batches, seconds),
            supplier=supply,
            start=world.start,
            report=events.append,
            stopping=lambda: False,
            limits=Limits(per_test=None, per_worker=None, whole_run=Limit(20.0)),
            expected=seconds,
            order=FlushOrder(batches),
        )
        pool.run()

    finished = Counter(event.index for event in events if isinstance(event, TestFinished))
    assert finished == Counter(range(2 * len(batches)))
    assert not any(isinstance(event, RunTimedOut) for event in events)
    leaving = {batch.number for batch in batches if batch.leaves_rows and batch.aliases}
    for process in world.processes:
        is_flushed = False
        left: set[int] = set()
        for command in process.commands:
            if not isinstance(command, RunBatch):
                continue
            batch = batches[command.batch]
            if "default" in command.flush:
                is_flushed = True
                left.clear()
            if batch.aliases:
                last = max((number for number in flushing if number < batch.number), default=-1)
                assert is_flushed == (last >= 0)
                if not batch.needs_rows:
                    assert left == {number for number in leaving if last < number < batch.number}
            if batch.number in flushing:
                is_flushed = True
                left.clear()
            left |= {batch.number} & leaving
