"""Prints what a run does besides running tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ctest_containers.events import (
    DriverUnfit,
    Event,
    FailureKept,
    FailureNotKept,
    LeakDetected,
    LeaksUnseen,
    NodePrinted,
    RerunsEnded,
    RerunStarted,
    RunFinished,
    RunStopping,
    RunTimedOut,
    TestRetried,
    TestSlow,
    UsageUnrecorded,
    WorkerPaused,
    WorkerResumed,
)
from ctest_containers.report.messages import SILENT, lines_of

AMID_TESTS: Final = (
    *(RunTimedOut, RunStopping, WorkerPaused, WorkerResumed, TestRetried),
    *(TestSlow, NodePrinted, FailureKept, FailureNotKept),
    *(RerunStarted, RerunsEnded),
)
"""What happens while there are dots in the last line of the screen."""


class ConsoleReport:
    """Prints the words for the events around the tests.

    Args:
        log: Prints a line, or not, by its `logging` level: Django's `DiscoverRunner.log`.
    """

    def __init__(self, log: Callable[[str, int], None]) -> None:
        self._log = log
        self._unfit: set[tuple[type, str]] = set()
        self._leaks: list[Event] = []
        self._unrecorded: set[str] = set()

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # It tells no times.
        """See `Report`."""
        if type(event) in SILENT:
            return
        if isinstance(event, DriverUnfit | LeaksUnseen):
            # Said again for every server that starts.
            if (type(event), event.alias) in self._unfit:
                return
            self._unfit.add((type(event), event.alias))
        if isinstance(event, UsageUnrecorded):
            # Every worker says it.
            if event.reason in self._unrecorded:
                return
            self._unrecorded.add(event.reason)
        if isinstance(event, LeakDetected):
            # They are shown at the end; if they fail the run, the failures show them.
            self._leaks += [event] if event.consequence != "fail" else []
            return
        if isinstance(event, RunFinished):
            for leak in self._leaks:
                for level, text in lines_of(leak):
                    self._log(f"Leak: {text}", level)
        for level, text in lines_of(event):
            self._log(f"\n{text}" if isinstance(event, AMID_TESTS) else text, level)
