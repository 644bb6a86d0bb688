"""The order of a worker's tests comes from the event log of a run."""

from __future__ import annotations

from collections.abc import Iterable

from ctest_containers.events import (
    Event,
    OutcomeKind,
    Problem,
    TestOutcome,
    TestPlace,
    TestRetried,
    TestsFound,
    TestStarted,
    WorkerLost,
    WorkerRecycled,
    WorkerStarted,
)
from ctest_containers.history import Entry
from ctest_containers.hunt.order import Failure, Recorded, recorded

PROBLEM = Problem(
    type_name="AssertionError",
    module="builtins",
    message="1 != 2\nmore",
    text="",
    is_failure=True,
    file="shop/tests.py",
    line=7,
)


def _record(events: Iterable[Event]) -> dict[str, Recorded]:
    return recorded([Entry(float(at), event) for at, event in enumerate(events)], "ab12")


def _started(worker: int, *names: str) -> list[Event]:
    return [TestStarted(worker=worker, index=0, test_id=name) for name in names]


def _failed(name: str, index: int | None = 0, worker: int = 1) -> TestOutcome:
    return TestOutcome(
        worker=worker, index=index, test_id=name, kind=OutcomeKind.FAILURE, problem=PROBLEM
    )


def test_a_test_has_the_tests_that_its_worker_has_run_before_it() -> None:
    record = _record(
        [
            WorkerStarted(worker=1, pid=10),
            WorkerStarted(worker=2, pid=11),
            *_started(1, "shop.A.test_1"),
            *_started(2, "shop.B.test_2"),
            *_started(1, "shop.A.test_3", "shop.C.test_4"),
            _failed("shop.C.test_4"),
        ]
    )

    assert record["shop.C.test_4"].before == ["shop.A.test_1", "shop.A.test_3"]
    assert record["shop.C.test_4"].failure == Failure(
        type_name="AssertionError", file="shop/tests.py", line=7
    )
    assert record["shop.B.test_2"].before == []
    assert record["shop.B.test_2"].failure is None


def test_a_process_that_replaces_a_lost_one_has_new_servers() -> None:
    record = _record(
        [
            WorkerStarted(worker=1, pid=10),
            *_started(1, "shop.A.test_1"),
            WorkerLost(worker=1, cause="signal 9 (SIGKILL)", test_id="shop.A.test_1"),
            WorkerStarted(worker=1, pid=12),
            *_started(1, "shop.A.test_2"),
        ]
    )

    assert record["shop.A.test_2"].before == []


def test_a_process_that_replaces_one_that_has_grown_too_large_keeps_its_servers() -> None:
    record = _record(
        [
            WorkerStarted(worker=1, pid=10),
            *_started(1, "shop.A.test_1"),
            WorkerRecycled(worker=1, memory_bytes=2, limit_bytes=1),
            WorkerStarted(worker=1, pid=12),
            *_started(1, "shop.A.test_2"),
        ]
    )

    assert record["shop.A.test_2"].before == ["shop.A.test_1"]


def test_a_test_whose_fixture_failed_has_the_failure_of_the_fixture() -> None:
    record = _record(
        [
            TestsFound(tests=(TestPlace(test_id="shop.A.test_1"), TestPlace(test_id="shop.B.t"))),
            WorkerStarted(worker=1, pid=10),
            *_started(1, "shop.B.t"),
            _failed("setUpClass (shop.A)", index=None),
        ]
    )

    assert record["shop.A.test_1"].before == ["shop.B.t"]
    assert record["shop.A.test_1"].failure == Failure.of(PROBLEM)
    assert record["shop.B.t"].failure is None


def test_a_first_try_that_was_given_up_is_no_failure() -> None:
    record = _record(
        [
            *_started(1, "shop.A.test_1"),
            _failed("shop.A.test_1"),
            TestRetried(worker=1, index=0, test_id="shop.A.test_1", limit_seconds=1.0),
        ]
    )

    assert record["shop.A.test_1"].failure is None


def test_failures_are_the_same_if_type_and_location_are() -> None:
    other = Failure(type_name="AssertionError", file="shop/tests.py", line=7, message="3 != 4")

    assert Failure.of(PROBLEM) == other
    assert Failure.of(PROBLEM) != Failure(type_name="KeyError", file="shop/tests.py", line=7)


def test_a_failure_shows_the_first_line_of_its_message_and_its_place() -> None:
    assert str(Failure.of(PROBLEM)) == "AssertionError: 1 != 2 (shop/tests.py:7)"
