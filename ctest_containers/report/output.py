"""What workers print, if they must not print on the terminal themselves."""

from __future__ import annotations

import sys
from pathlib import Path

from ctest_containers.events import BatchFinished, Event, PhaseStarted, TestFinished, TimePassed


class WorkerOutput:
    """A file that all workers add to, and what is new in it."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._position = 0

    def keep_in(self, folder: Path) -> Path:
        """The file, made in this folder; workers print into it from now on."""
        self._file = folder / "output"
        self._file.touch(mode=0o600)
        return self._file

    def news(self) -> str:
        """What has been printed since the last call."""
        if self._file is None:
            return ""
        with self._file.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        self._position += len(data)
        return data.decode(errors="replace")


class OutputReport:
    """Prints what workers print, soon after."""

    def __init__(self, output: WorkerOutput) -> None:
        self._output = output

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # It shows no times.
        """See `Report`."""
        if isinstance(event, TestFinished | BatchFinished | TimePassed | PhaseStarted):
            sys.stdout.write(self._output.news())
            sys.stdout.flush()
