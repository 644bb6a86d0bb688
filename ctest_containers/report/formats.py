"""The report formats, and all their options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ctest_containers.report.api import Report
from ctest_containers.report.event_log import EventLogFormat
from ctest_containers.report.files import FilesReport, Output
from ctest_containers.report.format import ReportContext, ReportFormat
from ctest_containers.report.github import GithubFormat
from ctest_containers.report.junit import JunitFormat
from ctest_containers.report.log import LogFormat
from ctest_containers.report.metrics import MetricsFormat
from ctest_containers.report.page import PageFormat
from ctest_containers.report.terminal import TerminalOptions


@dataclass(frozen=True, kw_only=True)
class ReportOptions(
    EventLogFormat,
    LogFormat,
    GithubFormat,
    TerminalOptions,
    MetricsFormat,
    PageFormat,
    JunitFormat,
):
    """Options for reports; each base but the terminal's is a format.

    Fields, and so the rows of help and documentation, begin with those of the last base.
    """


def outputs_of(options: ReportOptions) -> Iterator[Output]:
    """The files of all formats; see `ReportFormat.outputs`."""
    for form in _formats(options):
        yield from form.outputs(options)


def reports_of(options: ReportOptions, context: ReportContext) -> Iterator[Report]:
    """The reports of all formats; see `ReportFormat.reports`."""
    outputs = list(outputs_of(options))
    if outputs:
        yield FilesReport(context.run, outputs)
    for form in _formats(options):
        yield from form.reports(options, context)


def _formats(options: ReportOptions) -> Iterator[type[Any]]:
    """Every format, in the order of the options."""
    return (base for base in reversed(type(options).__mro__) if ReportFormat in base.__bases__)
