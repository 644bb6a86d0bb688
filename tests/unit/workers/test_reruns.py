"""What runs again together, and on which worker."""

from __future__ import annotations

import unittest
from dataclasses import replace

from harness.batches import batches_of

from ctest_containers.events import Event, OutcomeKind, RerunsEnded
from ctest_containers.project.suite import Batch
from ctest_containers.workers.batch_choice import BatchChoice
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.queue import WorkQueue
from ctest_containers.workers.reruns import Reruns
from ctest_containers.workers.worker_state import WorkerState


class First(unittest.TestCase):
    """Two tests that are never run."""

    def test_a(self) -> None:
        """Give the test its name."""

    def test_b(self) -> None:
        """Give the test its name."""


class Second(First):
    """Two more of the same module."""


def _work(*, failed: set[int] | None = None, fixtures: tuple[str, ...] = ()) -> Work:
    """A module of four tests that has ended."""
    tests: list[unittest.TestCase] = [
        kind(name) for kind in (First, Second) for name in ("test_a", "test_b")
    ]
    batch = Batch(number=0, first=10, tests=tests, aliases=frozenset())
    return Work(
        batch,
        ended={*batch.indices},
        failed=failed or set(),
        passed={*batch.indices} - (failed or set()),
        fixtures={(name, OutcomeKind.ERROR) for name in fixtures},
    )


def _left(work: Work) -> list[list[int]]:
    """The tests that run again, each time together."""
    reruns = Reruns(2, lambda _: None)
    reruns.add(work)
    works = [reruns.take(()) for _ in range(len(reruns))]
    return sorted(each.left for each in works if each is not None)


def test_each_failed_test_runs_again_alone() -> None:
    assert _left(_work(failed={10, 12})) == [[10], [12]]


def test_a_fixture_of_a_class_runs_again_with_its_tests_and_others_alone() -> None:
    fixture = f"tearDownClass ({__name__}.Second)"

    assert _left(_work(failed={10, 13}, fixtures=(fixture,))) == [[10], [12, 13]]


def test_a_fixture_of_a_module_runs_again_with_all_classes_and_their_fixtures() -> None:
    fixtures = (f"tearDownModule ({__name__})", f"tearDownClass ({__name__}.First)")

    assert _left(_work(failed={13}, fixtures=fixtures)) == [[10, 11, 12, 13]]


def test_a_crash_after_a_test_runs_its_class_again() -> None:
    assert _left(_work(fixtures=(f"after {__name__}.First.test_b",))) == [[10, 11]]


def test_a_crash_that_does_not_come_back_is_flaky() -> None:
    events: list[Event] = []
    reruns, name = Reruns(2, events.append), f"after {__name__}.First.test_b"
    reruns.add(_work(fixtures=(name,)))
    work = reruns.take(())
    assert work is not None
    work.passed.update(work.left)

    reruns.ended(work)

    assert events == [RerunsEnded(attempts=2, indices=(10, 11), flaky=(name,))]


def test_tests_whose_fixtures_crashed_every_worker_run_again_together() -> None:
    work = _work(failed={11, 12, 13})
    work.blocked.update({11, 12, 13})

    assert _left(work) == [[11, 12, 13]]


def test_a_module_that_cannot_be_imported_does_not_run_again() -> None:
    events: list[Event] = []
    failed_test: type[unittest.TestCase] = unittest.loader._FailedTest  # type: ignore[attr-defined]
    test = failed_test("shop", ImportError("no"))  # type: ignore[call-arg]
    batch = Batch(number=0, first=0, tests=[test], aliases=frozenset())
    reruns = Reruns(3, events.append)

    reruns.add(Work(batch, ended={0}, failed={0}))

    assert len(reruns) == 0
    assert events == [RerunsEnded(attempts=1, indices=(0,), failed=(test.id(),))]


def test_what_needs_something_for_itself_waits_until_no_other_batch_uses_it() -> None:
    work = _work(failed={10})
    exclusive = replace(work.batch, exclusive=frozenset(["a lock file"]))
    reruns = Reruns(2, lambda _: None)
    reruns.add(replace(work, batch=exclusive))

    assert reruns.take(["a lock file"]) is None
    assert reruns.take(["another"]) is not None


def test_a_worker_on_whose_server_others_must_find_rows_runs_nothing_again() -> None:
    """Its server would be replaced, and the rows be lost."""
    first, second = (
        Work(replace(batch, leaves_rows=True, removes_rows=True)) for batch in batches_of([1, 1])
    )
    queue = WorkQueue([second])
    choice, worker = BatchChoice(queue, FlushOrder()), WorkerState(1)
    assert choice.may_renew(worker)

    worker.rows.change(first)
    assert not choice.may_renew(worker)

    queue.remove(second)
    assert choice.may_renew(worker)
