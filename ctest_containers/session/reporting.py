"""Who is told what happens in a run."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.history import History
from ctest_containers.report import Report
from ctest_containers.report.console import ConsoleReport
from ctest_containers.report.event_log import EventLogReport
from ctest_containers.report.files import FilesReport, file_outputs, new_file
from ctest_containers.report.log import LogReport, logger_for
from ctest_containers.report.output import WorkerOutput
from ctest_containers.report.record import Recording

Log = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Reporting:
    """The reports of a run.

    Attributes:
        output: Where workers print; None for where the parent does.
        is_live: Whether a picture on the terminal takes the place of dots.
    """

    reports: tuple[Report, ...]
    output: WorkerOutput | None = None
    is_live: bool = False


def quiet(log: Log) -> Reporting:
    """For what is no run of tests: only what a person has to know."""
    return Reporting((ConsoleReport(log),))


def reporting(config: Config, *, log: Log, verbosity: int, may_move: bool) -> Reporting:
    """The reports that the configuration and the surroundings ask for.

    Args:
        log: Prints a line by its `logging` level: `DiscoverRunner.log`.
        may_move: Whether nothing else will want the terminal, as a debugger would.

    Raises:
        UsageError: What a report needs is not there.
        ReportError: A log cannot be written.
    """
    recording = Recording()
    run = recording.run
    reports: list[Report] = []
    of_record: list[Report] = []
    output = None
    is_live = may_move and verbosity == 1 and _wants_live(config)
    if is_live:
        from rich.console import Console

        from ctest_containers.report.live import LiveReport

        output = WorkerOutput()
        console = Console(stderr=True, force_terminal=config.progress)
        slow = config.slow_after
        live = LiveReport(run, console=console, say=log, output=output, slow_seconds=slow)
        of_record.append(live)
    else:
        reports.append(ConsoleReport(log))
    if config.event_logs:
        history = History.of(project_of(config))
        keep = functools.partial(history.keep, config.event_logs)
        reports.append(EventLogReport(history.new, keep))
    if config.event_log:
        reports.append(EventLogReport(new_file(config.event_log)))
    logger = logger_for(config.log_format, config.log_level, config.log_file)
    if logger.isEnabledFor(logging.INFO):
        of_record.append(LogReport(run, logger))
    elif logger.isEnabledFor(logging.WARNING):
        # Nothing of what it says then is taken from the record.
        reports.append(LogReport(run, logger))
    outputs = file_outputs(junit=config.junit, html=config.html, prometheus=config.prometheus)
    if outputs:
        of_record.append(FilesReport(run, outputs))
    if config.prometheus_gateway:
        from ctest_containers.report import metrics

        metrics.check_installed()
        of_record.append(metrics.PushReport(run, config.prometheus_gateway))
    on_github = os.environ.get("GITHUB_ACTIONS") == "true"
    if config.github if config.github is not None else on_github:
        from ctest_containers.report.github import report_of_step

        of_record.append(report_of_step(run, _write_line))
    if of_record:
        reports += [recording, *of_record]
    return Reporting(tuple(reports), output, is_live)


def _wants_live(config: Config) -> bool:
    if config.progress is not None:
        return config.progress
    if os.environ.get("CI") or os.environ.get("TERM", "dumb") in {"", "dumb"}:
        return False
    return sys.stdout.isatty() and sys.stderr.isatty()


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
