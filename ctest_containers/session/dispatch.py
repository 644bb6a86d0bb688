"""Passes the events of a run on to its reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ctest_containers.errors import ReportError
from ctest_containers.events import DebuggerClosed, DebuggerOpened, Event, ReportLost, TimePassed
from ctest_containers.originals import ORIGINALS
from ctest_containers.report import Report


class Dispatch:
    """Gives each event to every report, with its time since the beginning of the run.

    While a worker has the terminal to debug a test, events wait, because reports may print there.

    Attributes:
        locate: Returns what reports get for an event, whose indices may not be those of the run.
    """

    def __init__(self, reports: Iterable[Report]) -> None:
        self._began = ORIGINALS.monotonic()
        self._reports = list(reports)
        self._waiting: list[tuple[Event, float]] | None = None
        self.locate: Callable[[Event], Event] = lambda event: event

    def add(self, *reports: Report) -> None:
        """Give later events to these reports as well."""
        self._reports += reports

    def remove(self, *reports: Report) -> None:
        """Give later events to these reports no more."""
        self._reports = [each for each in self._reports if each not in reports]

    def __call__(self, event: Event) -> None:
        """Report an event."""
        event = self.locate(event)
        at = round(ORIGINALS.monotonic() - self._began, 6)
        if self._waiting is not None:
            if not isinstance(event, TimePassed):
                self._waiting.append((event, at))
            if isinstance(event, DebuggerClosed):
                waiting, self._waiting = self._waiting, None
                for earlier, moment in waiting:
                    self._pass_on(earlier, moment)
            return
        self._pass_on(event, at)
        if isinstance(event, DebuggerOpened):
            self._waiting = []

    def _pass_on(self, event: Event, at: float) -> None:
        for report in self._reports:
            try:
                report.handle(event, at)
            except ReportError as error:
                self._reports = [other for other in self._reports if other is not report]
                self(ReportLost(reason=str(error)))
