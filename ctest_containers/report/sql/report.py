"""Records the SQL of a run while its tests run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ctest_containers.errors import ReportError
from ctest_containers.events import Event, RunFinished, RunStarted, UsageRecorded
from ctest_containers.report.sql.collector import SqlCollector
from ctest_containers.report.sql.file import write
from ctest_containers.report.sql.record import SqlRecord


class SqlReport:
    """Writes the SQL of a run beside its event logs, if the run records what tests use.

    Args:
        places: Returns the files, which need not be any.
        revision: Returns the commit that is checked out where a folder is.
        vendors: Returns the vendor of each database, by its alias.
        show: Called with the record before other reports get `RunFinished`.
    """

    def __init__(
        self,
        *,
        places: Callable[[RunStarted], Iterable[Path]],
        revision: Callable[[Path], str],
        vendors: Callable[[], Mapping[str, str]],
        show: Callable[[SqlRecord], None],
    ) -> None:
        self._places = places
        self._revision = revision
        self._vendors = vendors
        self._show = show
        self._started: RunStarted | None = None
        self._commit = ""
        self._collector: SqlCollector | None = None

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # Statements have durations.
        """See `Report`.

        Raises:
            ReportError: The file cannot be written.
        """
        if isinstance(event, UsageRecorded):
            if self._collector is None:
                self._collector = SqlCollector()
            self._collector.add(event)
        elif isinstance(event, RunStarted):
            self._started = event
            # Tests may check out something else.
            self._commit = self._revision(Path(event.folder))
        elif isinstance(event, RunFinished):
            self._finish()

    def _finish(self) -> None:
        if self._collector is None or self._started is None:
            return
        record = self._collector.record(
            run=self._started.run,
            started_at=self._started.started_at,
            branch=self._started.branch,
            revision=self._commit,
            vendors=self._vendors(),
        )
        self._show(record)
        try:
            for file in self._places(self._started):
                write(record, file)
        except OSError as error:
            raise ReportError(f"The SQL of tests cannot be written: {error}.") from error
