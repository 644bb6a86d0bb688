"""A report format is one module with its options and its text, and one row of the registry."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from unit.report.making import events_of_test, record

from ctest_containers.cli import formats
from ctest_containers.events import Event, RunFinished
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_flag, parse_text
from ctest_containers.report.api import Report
from ctest_containers.report.files import Output, file_named
from ctest_containers.report.format import SECTION, ReportContext, ReportFormat
from ctest_containers.report.formats import ReportOptions, reports_of
from ctest_containers.report.log import LOGGER
from ctest_containers.report.record import RunRecord

SAID: list[str] = []


# What the module of a format has:


@dataclass(frozen=True, kw_only=True)
class ToyFormat(ReportFormat):
    """A file with the name of each test, and a listener that notes each event."""

    toy: str = option(
        "", parse_text, "FILE", "Write a toy.", section=SECTION, written="a list of tests"
    )
    toy_events: bool | None = option(None, parse_flag, "", "Note each event.", section=SECTION)

    def outputs(self) -> Iterator[Output]:
        """See `ReportFormat`."""
        if self.toy:
            yield Output(file_named(self.toy), names)

    def reports(self, context: ReportContext) -> Iterator[Report]:
        """See `ReportFormat`."""
        if self.toy_events:
            yield ToyReport(context.run)


def names(run: RunRecord) -> str:
    """The name of each test."""
    return "".join(f"{test.place.test_id}\n" for test in run.tests.values())


class ToyReport:
    """Notes each event."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        SAID.append(f"{type(event).__name__} {at}")


# The row that registers it, which in the package is a base of `ReportOptions`:


@dataclass(frozen=True, kw_only=True)
class Options(ToyFormat, ReportOptions):
    """Every format, and the toy."""


def _context() -> ReportContext:
    return ReportContext(project="toy", log=lambda _text, _level: None)


def test_a_formats_options_follow_those_of_the_formats_before_it() -> None:
    rows = [row.name for row in fields(Options)]

    assert rows == [row.name for row in fields(ReportOptions)] + ["toy", "toy_events"]


def test_a_run_writes_the_file_of_a_format(tmp_path: Path) -> None:
    context = _context()
    options = Options(toy=str(tmp_path / "toy"), event_logs=0)

    reports = list(reports_of(options, context))
    (recording,) = context.recordings
    recording.run.tests.update(record(events_of_test(0, "a.B.c"), names=("a.B.c",)).tests)
    for report in reports:
        report.handle(RunFinished(not_run=0, failure=""), 1.0)

    assert (tmp_path / "toy").read_text() == "a.B.c\n"


def test_a_run_reports_events_to_a_format_that_is_asked_for() -> None:
    SAID.clear()

    for report in reports_of(Options(toy_events=True, event_logs=0), _context()):
        report.handle(RunFinished(not_run=0, failure=""), 1.0)

    assert SAID == ["RunFinished 1.0"]


def test_a_run_is_recorded_only_for_reports_that_read_the_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    context = _context()

    # A log of every worker would read it.
    with caplog.at_level(logging.WARNING, LOGGER):
        list(reports_of(Options(event_logs=0), context))

    assert context.recordings == []


def test_the_command_report_writes_a_file_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "ReportOptions", Options)
    parser = argparse.ArgumentParser()
    formats.add_format_options(parser)

    options = parser.parse_args(["--toy", str(tmp_path / "toy")])
    has_output = formats.write_formats(
        options, record(events_of_test(0, "a.B.c"), names=("a.B.c",))
    )

    assert has_output
    assert (tmp_path / "toy").read_text() == "a.B.c\n"
    assert "write a list of tests" in parser.format_help()
