"""The parent reports a leak once, and replaces servers if that is asked for."""

from __future__ import annotations

import unittest
from dataclasses import replace
from typing import Any, cast

from ctest_containers.events import LeakDetected, TableLeak
from ctest_containers.project.suite import Batch
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.reducer import Report, reduce_message
from ctest_containers.workers.worker_state import BatchState, ProcessState, WorkerState

LEAK = LeakDetected(
    worker=1,
    alias="default",
    owners=("shop.CartTests",),
    tables=(TableLeak(table="shop_cart", before=0, after=2),),
)


def worker(number: int, reported: set[Any] | None = None) -> WorkerState:
    """A worker that runs a batch."""
    tests: list[unittest.TestCase] = []
    batch = Batch(number=0, first=0, tests=tests, aliases=frozenset())
    process = ProcessState(cast("Any", None), batch=BatchState(Work(batch, reported=reported)))
    return WorkerState(number, state=process)


def reduced(state: WorkerState, leak: LeakDetected) -> list[object]:
    return list(reduce_message(state, leak, FlushOrder(), now=0.0))


def test_a_leak_is_reported_and_the_servers_stay() -> None:
    state = worker(1)

    assert reduced(state, LEAK) == [Report(LEAK)]
    assert not state.is_dirty


def test_servers_are_replaced_only_if_they_are_to_be_reset() -> None:
    state = worker(1)
    leak = replace(LEAK, consequence="reset")

    assert reduced(state, leak) == [Report(leak)]
    assert state.is_dirty
    state.forget_process(servers=True)
    assert not state.is_dirty


def test_the_parts_of_a_class_report_the_same_once() -> None:
    reported: set[Any] = set()
    first, second = worker(1, reported), worker(2, reported)

    assert reduced(first, LEAK) == [Report(LEAK)]
    assert reduced(second, LEAK) == []
    other = replace(LEAK, alias="legacy")
    assert reduced(second, other) == [Report(other)]
