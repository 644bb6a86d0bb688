"""Writes every event into the log of its run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ctest_containers.errors import ReportError
from ctest_containers.events import Event, RunFinished, RunStarted
from ctest_containers.history import History
from ctest_containers.history.lines import HEADER, UNLOGGED, line
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_natural, parse_text
from ctest_containers.report.api import Report
from ctest_containers.report.files import new_file
from ctest_containers.report.format import SECTION, ReportContext, ReportFormat

WRITE_SECONDS: Final = 0.5
"""How long a line may wait for others to be written with."""

AT_ONCE: Final = frozenset({RunStarted, RunFinished})
"""What is written when it happens."""


@dataclass(frozen=True, kw_only=True)
class EventLogFormat(ReportFormat):
    """Every event of a run, into a file and the user's cache folder."""

    event_log: str = option(
        "",
        parse_text,
        "FILE",
        "Also write the event log to this file, for python -m ctest_containers report.",
        section=SECTION,
    )
    event_logs: int = option(
        20,
        parse_natural,
        "N",
        "How many of the project's event logs to keep in your cache folder, for python -m "
        "ctest_containers report; 0 for none.",
        section=SECTION,
    )

    def reports(self, context: ReportContext) -> Iterator[Report]:
        """See `ReportFormat`."""
        if self.event_logs:
            history = History.of(context.project)
            yield EventLogReport(history.new, partial(history.keep, self.event_logs))
        if self.event_log:
            yield EventLogReport(new_file(self.event_log))


class EventLogReport:
    """A file with every event of a run.

    Lines wait in a list and not in a file object: a worker that is forked meanwhile must not write
    them, too.

    Args:
        place: Gives the file, which is not there yet, when the run begins.
        ended: Called when the file is complete.
    """

    def __init__(
        self, place: Callable[[RunStarted], Path], ended: Callable[[], None] = lambda: None
    ) -> None:
        self._place = place
        self._ended = ended
        self._file: Path | None = None
        self._descriptor = -1
        self._waiting = [HEADER]
        self._due = 0.0

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        kind = type(event)
        if kind in UNLOGGED:
            return
        self._waiting.append(line(event, at))
        if at < self._due and kind not in AT_ONCE:
            return
        if isinstance(event, RunStarted):
            self._open(event)
        self._write()
        self._due = at + WRITE_SECONDS
        if isinstance(event, RunFinished):
            os.close(self._descriptor)
            self._ended()

    def _open(self, started: RunStarted) -> None:
        try:
            file = self._place(started)
            file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise ReportError(f"The event log cannot be written: {error}.") from error
        self._file = file

    def _write(self) -> None:
        data = "".join(self._waiting).encode()
        self._waiting.clear()
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            os.close(self._descriptor)
            raise ReportError(f"The event log {self._file} cannot be written: {error}.") from error
