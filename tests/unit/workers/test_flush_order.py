"""What is flushed by the time that a batch begins follows from Django's order, and from tests."""

from __future__ import annotations

from dataclasses import replace

from harness.batches import batches_of

from ctest_containers.project.suite import Batch
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.work import Work

DEFAULT = frozenset(["default"])


def _batches() -> tuple[Batch, ...]:
    """One that flushes nothing, two that do, and another that does not."""
    first, second, third, last = batches_of([1, 2, 2, 1], ["default"])
    return first, replace(second, flushes=DEFAULT), replace(third, flushes=DEFAULT), last


def test_a_batch_comes_after_a_flush_that_a_test_before_it_has_made() -> None:
    batches = _batches()
    order = FlushOrder(batches)
    works = [Work(batch) for batch in batches]
    assert [order.is_known(work) for work in works] == [True, True, False, False]

    order.record_flush(works[1], "default")

    assert [order.is_known(work) for work in works] == [True] * 4
    assert [order.flushed_before(work) for work in works] == [set(), set(), DEFAULT, DEFAULT]


def test_a_class_that_has_ended_without_a_flush_flushes_nothing_for_those_after_it() -> None:
    batches = _batches()
    order = FlushOrder(batches)
    works = [Work(batch) for batch in batches]

    order.record_end(works[1])

    assert [order.is_known(work) for work in works] == [True, True, True, False]
    assert order.flushed_before(works[2]) == set()

    order.record_end(works[2])
    assert order.is_known(works[3])
    assert order.flushed_before(works[3]) == set()


def test_what_is_left_of_a_class_comes_after_the_flush_of_its_own_tests() -> None:
    batches = _batches()
    order = FlushOrder(batches)
    begun = Work(batches[1])
    order.record_flush(begun, "default")
    begun.ended.add(1)

    assert order.flushed_before(begun) == DEFAULT


def test_where_others_run_elsewhere_a_class_that_might_flush_is_taken_to_do_so() -> None:
    batches = _batches()
    order = FlushOrder(batches, is_complete=False)
    works = [Work(batch) for batch in batches]

    assert all(order.is_known(work) for work in works)
    assert [order.flushed_before(work) for work in works] == [set(), set(), DEFAULT, DEFAULT]


def test_a_batch_that_needs_rows_gets_them_and_a_plain_one_may_use_any_database() -> None:
    batches = _batches()
    order = FlushOrder(batches)
    needing = Work(replace(batches[3], needs_rows=True))
    plain = Work(replace(batches[3], aliases=frozenset(), leaves_rows=True))
    order.record_flush(Work(batches[2]), "default")

    assert order.flushed_before(needing) == set()
    assert order.flushed_before(plain) == DEFAULT
