"""Writes what a run looks like in some format when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctest_containers.errors import ReportError, UsageError
from ctest_containers.events import Event, RunFinished
from ctest_containers.report.record import RunRecord
from ctest_containers.storage import replace_text

Render = Callable[[RunRecord], str]


@dataclass(frozen=True, slots=True)
class Output:
    """A file that is to be, and what makes its text."""

    file: Path
    render: Render

    def write(self, run: RunRecord) -> None:
        """Replace the file in one step, making its folder if need be.

        Raises:
            ReportError: It cannot be written.
        """
        try:
            replace_text(self.file, self.render(run))
        except OSError as error:
            raise ReportError(f"The report {self.file} cannot be written: {error}.") from error


def new_file(name: str) -> Callable[[object], Path]:
    """A function that returns the file of that name, after it has removed an earlier run's.

    Raises:
        UsageError: It cannot be a file.
    """
    file = file_named(name)

    def make_room(_: object) -> Path:
        file.unlink(missing_ok=True)
        return file

    return make_room


def file_named(name: str) -> Path:
    """The file of that name, even after tests change the current folder.

    Raises:
        UsageError: It is a folder.
    """
    file = Path(name).absolute()
    if file.is_dir():
        raise UsageError(f"The report {name} cannot be written: it is a folder.")
    return file


class FilesReport:
    """Several formats of one record.

    Args:
        run: The record of the run, which is up to date when this handles an event.
    """

    def __init__(self, run: RunRecord, outputs: Sequence[Output]) -> None:
        self._run = run
        self._outputs = outputs

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # The record has the times.
        """See `Report`."""
        if isinstance(event, RunFinished):
            write_all(self._outputs, self._run)


def write_all(outputs: Sequence[Output], run: RunRecord) -> None:
    """Write every file that can be written.

    Raises:
        ReportError: One or more could not.
    """
    trouble = []
    for output in outputs:
        try:
            output.write(run)
        except ReportError as error:
            trouble.append(str(error))
    if trouble:
        raise ReportError("\n".join(trouble))
