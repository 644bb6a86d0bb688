"""Collects how long tests, fixtures and classes take."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from ctest_containers.events import (
    BatchFinished,
    Event,
    FixtureFinished,
    FixtureStarted,
    RerunStarted,
    TestFinished,
    TestOutcome,
    TestStarted,
    WorkerLost,
)
from ctest_containers.names import class_of
from ctest_containers.report.record import status_of
from ctest_containers.timings import Measured
from ctest_containers.timings.model import PROCESS

NOTICEABLE_SECONDS: Final = 0.001


class TimingsReport:
    """Listens to the workers; what a worker was in when it was lost is not a measurement.

    Of a test that runs again, an attempt that passes counts; if none does, the first one.
    """

    def __init__(self) -> None:
        self.measured = Measured()
        self._rerunning: set[int] = set()
        self._failed: set[int] = set()
        self._running: dict[int, str] = {}
        self._fixtures: dict[int, str] = {}
        self._in_batch: dict[int, dict[str, float]] = defaultdict(dict)

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # It tells no times.
        """See `Report`."""
        match event:
            case RerunStarted(worker=worker):
                self._rerunning.add(worker)
            case TestStarted(worker=worker, test_id=test_id):
                self._running[worker] = test_id
                self._failed.discard(worker)
            case TestOutcome(worker=worker) if worker in self._rerunning:
                if status_of(event).is_bad:
                    self._failed.add(worker)
            case TestFinished(worker=worker, seconds=seconds, query_count=count):
                test_id = self._running.pop(worker, "")
                if test_id and seconds and worker not in self._failed:
                    self.measured.tests[test_id] = seconds
                    self.measured.queries[test_id] = count
                    self._in_batch[worker][test_id] = seconds
            case FixtureStarted(worker=worker, fixture=fixture):
                self._fixtures[worker] = fixture
            case FixtureFinished(worker=worker, seconds=seconds, query_count=count):
                fixture = self._fixtures.pop(worker, "")
                # Every class begins and ends; what does nothing then takes no time.
                if fixture and seconds >= NOTICEABLE_SECONDS:
                    self.measured.fixtures[fixture] = seconds
                    self.measured.queries[fixture] = count
            case BatchFinished(worker=worker, seconds=seconds, memory_bytes=count):
                if count > self.measured.memory.get(PROCESS, 0):
                    self.measured.memory[PROCESS] = count
                tests = self._in_batch.pop(worker, {})
                is_rerun = worker in self._rerunning
                self._rerunning.discard(worker)
                if tests and not is_rerun:
                    # A batch of several classes is a module with fixtures, which its first runs.
                    beyond = max(0.0, seconds - sum(tests.values()))
                    self.measured.classes[class_of(next(iter(tests)))] = beyond
            case WorkerLost(worker=worker):
                self._running.pop(worker, None)
                self._rerunning.discard(worker)
                self._fixtures.pop(worker, None)
                self._in_batch.pop(worker, None)
            case _:
                pass
