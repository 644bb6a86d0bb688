"""What the event log of a run says of its parts."""

from __future__ import annotations

import pytest
from harness.bench.timeline import timeline
from harness.bench.trouble import BenchError

from ctest_containers.events import (
    BatchFinished,
    Event,
    Phase,
    PhaseStarted,
    RunFinished,
    RunStarted,
    ServerReady,
    TestFinished,
    TestStarted,
)
from ctest_containers.history import Entry

STARTED = RunStarted(
    run="1",
    project="p",
    started_at="2026-01-31T00:00:00+00:00",
    startup_seconds=0.5,
    folder="",
    arguments=(),
    branch="",
    toolkit="",
    python="",
    django="",
    platform="",
)


def _entries(*events: tuple[float, Event]) -> list[Entry]:
    return [Entry(at, event) for at, event in events]


def test_moments_are_counted_from_the_start_of_the_process() -> None:
    found = timeline(
        _entries(
            (0.0, STARTED),
            (0.0, PhaseStarted(phase=Phase.DISCOVERY)),
            (1.0, PhaseStarted(phase=Phase.TESTS)),
            (
                1.1,
                ServerReady(worker=1, group="postgresql", container="c", version="17", seconds=0.4),
            ),
            (1.2, TestStarted(worker=1, index=0, test_id="a.B.test_c")),
            (2.2, TestFinished(worker=1, index=0, seconds=1.0)),
            (2.5, BatchFinished(worker=1, batch=0, seconds=1.3, memory_bytes=0)),
            (3.0, RunFinished(not_run=0, failure="")),
        )
    )

    assert (found.first_test, found.last_test) == (1.7, 2.7)
    assert found.phases == {"start-up": 0.5, "discovery": 1.0, "tests": 2.0}
    assert (found.servers, found.version) == ((0.4,), "17")
    assert found.tests == 1.0
    assert found.resets == pytest.approx(0.3)


def test_a_run_without_tests_is_no_measurement() -> None:
    with pytest.raises(BenchError, match="has no test"):
        timeline(_entries((0.0, STARTED)))
