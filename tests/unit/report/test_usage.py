"""What tests use is collected from events, and says which tests run again, whatever changes."""

from __future__ import annotations

from collections.abc import Sequence

from ctest_containers.events import (
    BatchFinished,
    Event,
    TestStarted,
    UsageRecorded,
    WorkerLost,
)
from ctest_containers.history.last_failed import LastOutcomes
from ctest_containers.report.usage import UsageReport
from ctest_containers.usage.messages import packed
from ctest_containers.usage.model import Usage
from ctest_containers.usage.recording import Recording, Run

RUN = Run("12345678", "2026-01-31T10:00:00.000+00:00")
NAMES = ("Fa.txt", "Fb.txt", "Fc.txt")


def used(unit: str, *numbers: int, worker: int = 1, begins: bool = False) -> UsageRecorded:
    """The event on a unit that read these files of NAMES."""
    names, first = (NAMES, 0) if begins else ((), len(NAMES))
    return UsageRecorded(worker=worker, unit=unit, first=first, names=names, used=packed(numbers))


def started(test: str, worker: int = 1) -> TestStarted:
    """The event of a test that starts."""
    return TestStarted(worker=worker, index=0, test_id=test)


def ended(worker: int = 1, *, stopped: bool = False) -> BatchFinished:
    """The event of a batch that ends."""
    return BatchFinished(worker=worker, batch=0, seconds=1.0, memory_bytes=0, stopped=stopped)


def recording(
    events: Sequence[Event], tests: Sequence[str], outcomes: LastOutcomes | None = None
) -> Recording:
    """The recording of a run of these tests, all of which passed if nothing else is said."""
    report = UsageReport()
    for event in events:
        report.handle(event, 0.0)
    return report.recording(RUN, tests, outcomes or LastOutcomes(ended=set(tests)))


def files(*names: str) -> Usage:
    """The usage of what read these files."""
    return Usage(files=frozenset(names))


def test_units_have_what_the_events_name() -> None:
    made = recording(
        [
            used("base", 0, begins=True),
            started("a.A.b"),
            used("test a.A.b", 1),
            started("a.A.c"),
            used("test a.A.c", 2, 1),
            ended(),
        ],
        ["a.A.b", "a.A.c"],
    )

    assert dict(made.units) == {
        "base": files("a.txt"),
        "test a.A.b": files("b.txt"),
        "test a.A.c": files("b.txt", "c.txt"),
    }
    assert made.runs == dict.fromkeys(made.units, RUN)
    assert made.marks == {}


def test_what_several_events_name_adds_up() -> None:
    made = recording(
        [
            used("class a.A", 0, begins=True),
            started("a.A.b"),
            used("test a.A.b", 1),
            used("class a.A", 2),
            used("test a.A.b", 0),
            ended(),
        ],
        ["a.A.b"],
    )

    assert dict(made.units) == {
        "class a.A": files("a.txt", "c.txt"),
        "test a.A.b": files("a.txt", "b.txt"),
    }


def test_of_a_test_that_runs_again_the_last_attempt_counts() -> None:
    made = recording(
        [
            started("a.A.b"),
            used("test a.A.b", 0, begins=True),
            started("a.A.b"),
            used("test a.A.b", 1),
            started("a.A.b", worker=2),
            used("test a.A.b", 2, worker=2, begins=True),
        ],
        ["a.A.b"],
    )

    assert dict(made.units) == {"test a.A.b": files("c.txt")}


def test_a_class_whose_batch_did_not_end_runs_again() -> None:
    events: list[Event] = [
        used("class a.A", 0, begins=True),
        started("a.A.b"),
        used("test a.A.b", 1),
        ended(stopped=True),
    ]

    made = recording(events, ["a.A.b", "a.A.c"])

    assert dict(made.units) == {"test a.A.b": files("b.txt")}
    assert made.marks == {"a.A.b": "did not end"}


def test_a_class_that_ends_on_another_worker_is_complete() -> None:
    events: list[Event] = [
        used("class a.A", 0, begins=True),
        WorkerLost(worker=1, cause="SIGKILL", test_id="a.A.b"),
        used("class a.A", 1, worker=2, begins=True),
        started("a.A.b", worker=2),
        used("test a.A.b", 2, worker=2),
        ended(worker=2),
    ]

    made = recording(events, ["a.A.b"])

    assert made.units["class a.A"] == files("a.txt", "b.txt")
    assert made.marks == {}


def test_a_worker_whose_events_are_missing_is_recorded_again_from_its_next_process_on() -> None:
    lost = UsageRecorded(worker=1, unit="test a.A.b", first=7, used=packed([1]))
    events: list[Event] = [
        used("base", 0, begins=True),
        started("a.A.b"),
        lost,
        started("a.A.c"),
        used("test a.A.c", 1),
        started("a.A.d"),
        used("test a.A.d", 2, begins=True),
        ended(),
    ]

    made = recording(events, ["a.A.b", "a.A.c", "a.A.d"])

    assert dict(made.units) == {"base": files("a.txt"), "test a.A.d": files("c.txt")}
    assert made.marks == dict.fromkeys(["a.A.b", "a.A.c"], "was not recorded")


def test_statements_have_their_places() -> None:
    names = ("default", "SELECT 1", "a.py:1", "a.py:2", "fshop.views 7")
    event = UsageRecorded(
        worker=1,
        unit="test a.A.b",
        first=0,
        names=names,
        used=packed([4]),
        statements=((0, 1, 3, 1500, 2, 1, 3, 2),),
    )

    made = recording([started("a.A.b"), event, ended()], ["a.A.b"])

    (statement,) = made.units["test a.A.b"].statements
    assert (statement.alias, statement.text, statement.count) == ("default", "SELECT 1", 3)
    assert (statement.seconds, statement.places) == (0.0015, {"a.py:1": 1, "a.py:2": 2})
    assert made.units["test a.A.b"].functions == {("shop.views", 7)}


def test_tests_that_failed_or_did_not_end_or_were_not_recorded_are_marked() -> None:
    tests = ["a.A.failed", "a.A.lost", "a.A.unseen", "a.A.waiting", "b.B.broken"]
    outcomes = LastOutcomes(
        ended={"a.A.failed", "a.A.unseen"}, failed={"a.A.failed"}, failed_owners={"b.B"}
    )

    events: list[Event] = [
        used("class b.B", 0, begins=True),
        *map(started, tests[:3]),
        used("test a.A.failed", 1),
        ended(),
    ]

    made = recording(events, tests, outcomes)

    assert made.marks == {
        "a.A.failed": "failed",
        "a.A.lost": "did not end",
        "a.A.unseen": "was not recorded",
        "b.B.broken": "failed",
    }
    assert set(made.units) == {"test a.A.failed"}
