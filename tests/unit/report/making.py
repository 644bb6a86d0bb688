"""Records of runs, made from as few events as a test needs."""

from __future__ import annotations

from ctest_containers.events import (
    Event,
    OutcomeKind,
    Problem,
    RunFinished,
    RunStarted,
    TestFinished,
    TestOutcome,
    TestPlace,
    TestsFound,
    TestStarted,
)
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import record_of

STARTED = RunStarted(
    run="0123abcd",
    project="shop",
    started_at="2026-11-24T08:00:00.000+00:00",
    startup_seconds=1.0,
    folder="/home/ada/shop",
    arguments=("manage.py", "test"),
    branch="main",
    toolkit="0.1.0",
    python="3.13.1",
    django="5.2",
    platform="Linux",
)


def problem(text: str = "AssertionError", *, is_failure: bool = True) -> Problem:
    """What went wrong, in these words everywhere."""
    return Problem(
        type_name=text,
        module="builtins",
        message=text,
        text=text,
        is_failure=is_failure,
        file=text,
        line=7,
    )


def events_of_test(
    index: int,
    name: str,
    kind: OutcomeKind = OutcomeKind.SUCCESS,
    *,
    text: str = "",
) -> list[Event]:
    """A test from its start to its end; these words wherever it can have some."""
    found = problem(text, is_failure=kind is OutcomeKind.FAILURE)
    has_problem = kind not in {OutcomeKind.SUCCESS, OutcomeKind.SKIP}
    return [
        TestStarted(worker=1, index=index, test_id=name),
        TestOutcome(
            worker=1,
            index=index,
            test_id=name,
            kind=kind,
            subtest=text if kind is OutcomeKind.SUBTEST else None,
            reason=text if kind is OutcomeKind.SKIP else "",
            problem=found if has_problem else None,
        ),
        TestFinished(worker=1, index=index, seconds=0.5, stdout=text, stderr=text),
    ]


def record(*tests: list[Event], names: tuple[str, ...] = ()) -> RunRecord:
    """A run of these tests, a second between two events."""
    places = tuple(TestPlace(test_id=name, file=f"{name}.py", line=3) for name in names)
    events: list[Event] = [STARTED, TestsFound(tests=places)]
    for each in tests:
        events += each
    events.append(RunFinished(not_run=0, failure=""))
    return record_of((float(at), event) for at, event in enumerate(events))
