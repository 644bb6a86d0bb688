"""What jobs have left that shared four tests, as their event logs have it."""

from __future__ import annotations

import dataclasses

from unit.report.making import STARTED, events_of_test

from ctest_containers.events import (
    Event,
    OutcomeKind,
    Phase,
    PhaseStarted,
    RunFinished,
    ShardChosen,
    TestPlace,
    TestsFound,
    WorkersPlanned,
)
from ctest_containers.history import Entry

NAMES = ("a.A.one", "b.B.two", "c.C.three", "d.D.four")
PLACES = {1: (0, 2), 2: (1,), 3: (3,)}


def log_of_job(
    number: int,
    *,
    of: int = 3,
    kind: OutcomeKind = OutcomeKind.SUCCESS,
    tests: str = "tests",
    timings: str = "timings",
    minute: int = 0,
    ended: bool = True,
    failure: str = "",
) -> list[Entry]:
    """The log of one of three jobs; they begin a minute after each other."""
    places = PLACES[number]
    started_at = f"2026-11-24T08:{minute or number:02}:00.000+00:00"
    events: list[Event] = [
        dataclasses.replace(STARTED, run=f"run{number}", started_at=started_at),
        PhaseStarted(phase=Phase.DISCOVERY),
        ShardChosen(
            number=number,
            of=of,
            places=places,
            total=len(NAMES),
            seconds=1.0,
            total_seconds=4.0,
            tests=tests,
            timings=timings,
        ),
        TestsFound(tests=tuple(TestPlace(test_id=NAMES[place]) for place in places)),
        WorkersPlanned(workers=2, reason="", limits=(), warnings=(), expected_seconds=1.0),
    ]
    for index, place in enumerate(places):
        events += events_of_test(index, NAMES[place], kind)
    if ended:
        events.append(RunFinished(not_run=0, failure=failure))
    return [Entry(float(at), event) for at, event in enumerate(events)]
