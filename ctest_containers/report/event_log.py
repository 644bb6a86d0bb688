"""Writes every event into the log of its run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ctest_containers.errors import ReportError
from ctest_containers.events import Event, RunFinished, RunStarted, TimePassed
from ctest_containers.history import History
from ctest_containers.history.lines import HEADER, line

WRITE_SECONDS: Final = 0.5
"""How long a line may wait for others to be written with."""

AT_ONCE: Final = frozenset({RunStarted, RunFinished})
"""What is written when it happens."""


class EventLogReport:
    """A log in the history of a project.

    Lines wait in a list and not in a file object: a worker that is forked meanwhile must not write
    them, too.

    Args:
        kept: How many logs there are to be at the end.
    """

    def __init__(self, history: History, kept: int) -> None:
        self._history = history
        self._kept = kept
        self._file: Path | None = None
        self._descriptor = -1
        self._waiting = [HEADER]
        self._due = 0.0

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        kind = type(event)
        if kind is TimePassed:
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
            self._history.keep(self._kept)

    def _open(self, started: RunStarted) -> None:
        file = self._history.new(started)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise ReportError(
                f"The run's events cannot be kept in {file.parent}: {error}."
            ) from error
        self._file = file

    def _write(self) -> None:
        data = "".join(self._waiting).encode()
        self._waiting.clear()
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            os.close(self._descriptor)
            raise ReportError(
                f"The run's events cannot be kept in {self._file}: {error}."
            ) from error
