"""The reports of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.events import RunStarted
from ctest_containers.history import History
from ctest_containers.history.store import sql_beside
from ctest_containers.project.branch import current_revision
from ctest_containers.report import Report
from ctest_containers.report.console import ConsoleReport
from ctest_containers.report.format import ReportContext
from ctest_containers.report.formats import reports_of
from ctest_containers.report.output import OutputReport, WorkerOutput
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.sql.report import SqlReport

Log = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Reporting:
    """The reports of a run.

    Attributes:
        output: Where workers print; None to print where the parent does.
        is_live: Whether a live display on the terminal replaces the dots.
    """

    reports: tuple[Report, ...]
    output: WorkerOutput | None = None
    is_live: bool = False


def quiet(log: Log) -> Reporting:
    """Return the reports of a command that runs no tests: only essential messages."""
    return Reporting((ConsoleReport(log),))


def reporting(config: Config, *, log: Log, may_move: bool, pdb: bool) -> Reporting:
    """Return the reports that the configuration and the environment require.

    Args:
        log: Prints a line with its `logging` level: `DiscoverRunner.log`.
        may_move: Whether the terminal may show a live display.
        pdb: Whether to debug tests that fail, so that nothing else may print meanwhile.

    Raises:
        UsageError: A report needs a package that is not installed.
        ReportError: A log cannot be written.
    """
    context = ReportContext(project=project_of(config), log=log)
    terminal, output = config.terminal_report(context, may_move=may_move)
    own = list(reports_of(config, context))
    reports: list[Report] = [*context.recordings, _sql_report(config, context), terminal, *own]
    is_live = output is not None
    if pdb and output is None:
        output = WorkerOutput()
        reports.append(OutputReport(output))
    return Reporting(tuple(reports), output, is_live)


def _sql_report(config: Config, context: ReportContext) -> SqlReport:
    history = History.of(context.project)

    def show(record: SqlRecord) -> None:
        for recording in context.recordings:
            recording.run.sql = record

    def places(started: RunStarted) -> Iterator[Path]:
        if config.event_logs:
            yield sql_beside(history.new(started))
        if config.event_log:
            yield sql_beside(Path(config.event_log))

    return SqlReport(
        places=places,
        revision=current_revision,
        vendors=lambda: {alias: connections[alias].vendor for alias in connections},
        show=show,
    )
