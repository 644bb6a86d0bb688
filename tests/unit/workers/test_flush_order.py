"""What is flushed by the time that a batch begins follows from Django's order, and from tests."""

from __future__ import annotations

from dataclasses import replace

from harness.batches import batches_of

from ctest_containers.project.suite import Batch
from ctest_containers.workers.batch_progress import Rows, Work
from ctest_containers.workers.flush_order import FlushOrder

DEFAULT = frozenset(["default"])
FLUSHED = {"default": False}


def _batches() -> tuple[Batch, ...]:
    """One that flushes nothing, two that do, and another that does not."""
    first, second, third, last = batches_of([1, 2, 2, 1], ["default"])
    return first, replace(second, flushes=DEFAULT), replace(third, flushes=DEFAULT), last


def _leaving(batch: Batch) -> Batch:
    return replace(batch, leaves_rows=True, removes_rows=True)


def test_a_batch_comes_after_a_flush_that_a_test_before_it_has_made() -> None:
    batches = _batches()
    order, fresh, used = FlushOrder(batches), Rows(), Rows()
    works = [Work(batch) for batch in batches]
    assert [order.is_known(work, fresh) for work in works] == [True, True, False, False]

    order.record_flush(works[1], used, "default", bare=False)

    assert [order.is_known(work, fresh) for work in works] == [True] * 4
    assert [order.missing(work, fresh) for work in works] == [{}, {}, FLUSHED, FLUSHED]
    assert [order.missing(work, used) for work in works] == [{}] * 4
    assert [order.allows(work, used) for work in works] == [False, False, True, True]


def test_a_class_that_has_ended_without_a_flush_flushes_nothing_for_those_after_it() -> None:
    batches = _batches()
    order, fresh = FlushOrder(batches), Rows()
    works = [Work(batch) for batch in batches]

    order.record_end(works[1])

    assert [order.is_known(work, fresh) for work in works] == [True, True, True, False]
    assert order.missing(works[2], fresh) == {}

    order.record_end(works[2])
    assert order.is_known(works[3], fresh)
    assert order.missing(works[3], fresh) == {}


def test_what_is_left_of_a_class_comes_after_the_flush_of_its_own_tests() -> None:
    batches = _batches()
    order = FlushOrder(batches)
    begun = Work(batches[1])
    order.record_flush(begun, Rows(), "default", bare=False)
    begun.ended.add(1)

    assert order.missing(begun, Rows()) == FLUSHED


def test_rows_that_a_class_leaves_are_flushed_for_those_after_the_next_flush_only() -> None:
    flushing, left, second, last = _batches()[1], *batches_of([1] * 5, ["default"])[2:]
    flushing = replace(flushing, number=0)
    left, last = _leaving(left), _leaving(last)
    second = replace(second, flushes=DEFAULT)
    order, here, elsewhere = FlushOrder([flushing, second]), Rows(), Rows()
    order.record_flush(Work(flushing), here, "default", bare=False)
    here.change(Work(left))
    assert not order.is_known(Work(last), here)

    order.record_end(Work(second))
    assert order.is_known(Work(last), here)
    assert order.missing(Work(last), here) == {}

    order.record_flush(Work(second), elsewhere, "default", bare=True)
    assert order.missing(Work(last), here) == {"default": True}
    order.begun(here, Work(last), {"default"}, ["default"])
    assert here.emptied == {"default"}


def test_flushes_that_are_made_elsewhere_are_assumed() -> None:
    batches = _batches()
    order = FlushOrder(elsewhere=[(1.5, DEFAULT)])
    works = [Work(batch) for batch in batches]

    assert all(order.is_known(work, Rows()) for work in works)
    assert [order.missing(work, Rows()) for work in works] == [{}, {}, FLUSHED, FLUSHED]


def test_a_batch_that_needs_rows_gets_them_and_a_plain_one_may_use_any_database() -> None:
    batches = _batches()
    order = FlushOrder(batches)
    needing = Work(replace(batches[3], needs_rows=True))
    plain = Work(replace(batches[3], aliases=frozenset(), leaves_rows=True))
    order.record_flush(Work(batches[2]), Rows(), "default", bare=False)

    assert order.missing(needing, Rows()) == {}
    assert order.missing(plain, Rows()) == FLUSHED


def test_aliases_of_one_database_are_flushed_together_and_mirrors_by_nobody() -> None:
    databases = {"default": "default", "same": "default", "mirror": "default"}
    first, second = batches_of([1, 1], ["mirror"])
    flushing = replace(first, flushes=frozenset(["same"]))
    order = FlushOrder([flushing], databases=databases, mirrors={"mirror"})

    order.record_flush(Work(flushing), Rows(), "same", bare=False)

    assert order.missing(Work(second), Rows()) == FLUSHED
    assert order.aliases_of("default") == ["default", "same"]


def test_rows_that_are_left_are_found_where_they_are() -> None:
    leaving, flushing, last = batches_of([1, 1, 1], ["default"])
    works = [Work(_leaving(leaving)), Work(replace(flushing, flushes=DEFAULT)), Work(last)]
    order, here, fresh = FlushOrder([work.batch for work in works]), Rows(), Rows()

    assert [order.is_known(work, fresh) for work in works] == [True, False, False]

    here.change(works[0])
    order.begun(here, works[0], (), ["default"])
    order.record_end(works[0])

    assert order.is_known(works[1], fresh)
    assert order.allows(works[1], here)
    assert not order.allows(works[1], fresh, here.left_in)

    order.record_flush(works[1], here, "default", bare=False)

    assert here.left_in == {}
    assert order.is_known(works[2], fresh)
    assert order.allows(works[2], fresh, here.left_in)


def test_no_class_leaves_rows_where_an_earlier_one_has_to_follow() -> None:
    first, second, plain = map(_leaving, batches_of([1, 1, 1], ["default"]))
    plain = replace(plain, aliases=frozenset())
    order, here = FlushOrder([first, second, plain]), Rows()
    here.change(Work(first))
    order.begun(here, Work(first), (), ["default"])
    order.record_end(Work(first))

    assert not order.allows(Work(plain), here)
    assert order.allows(Work(plain), Rows(), here.left_in)

    order.record_end(Work(second))
    assert order.allows(Work(plain), here)
