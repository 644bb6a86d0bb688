"""Shows a run on GitHub Actions: annotations, groups in the log, and a summary of the job.

See https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.errors import ReportError
from ctest_containers.events import Event, Phase, PhaseStarted, RunFinished
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_flag
from ctest_containers.report.api import Report
from ctest_containers.report.format import SECTION, ReportContext, ReportFormat
from ctest_containers.report.job_summary import MESSAGE_LENGTH, job_summary
from ctest_containers.report.leaks import leak_in_words
from ctest_containers.report.record import UNEXPECTED, RunRecord
from ctest_containers.report.summary import lines as summary_lines
from ctest_containers.text import without_controls

ANNOTATIONS: Final = 50
"""GitHub shows fewer of them for each step, and the log has all failures anyway."""


@dataclass(frozen=True, kw_only=True)
class GithubFormat(ReportFormat):
    """Annotations, groups and a job summary, on GitHub Actions."""

    github: bool | None = option(
        None,
        parse_flag,
        "",
        "Write annotations, groups and a job summary for GitHub Actions. On by default on GitHub "
        "Actions.",
        section=SECTION,
    )

    def reports(self, context: ReportContext) -> Iterator[Report]:
        """See `ReportFormat`."""
        on_github = os.environ.get("GITHUB_ACTIONS") == "true"
        if self.github if self.github is not None else on_github:
            yield report_of_step(context.run, _write_line)


class GithubReport:
    """Writes commands into the log of a step, and the summary into the file that GitHub names.

    Args:
        run: The record of the run, which is up to date when this handles an event.
        write: Writes a line into the log.
        summary: The file; None where there is none.
        workspace: The checkout; annotations name files relative to it.
    """

    def __init__(
        self,
        run: RunRecord,
        *,
        write: Callable[[str], None],
        summary: Path | None,
        workspace: str,
    ) -> None:
        self._run = run
        self._write = write
        self._summary = summary
        self._workspace = workspace
        self._in_group = False

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # The record has the times.
        """See `Report`."""
        match event:
            case PhaseStarted(phase=phase):
                self._change_group("Templates" if phase is Phase.TEMPLATE else "")
            case RunFinished():
                self._change_group("")
                self._finish()
            case _:
                pass

    def _change_group(self, title: str) -> None:
        if self._in_group and not title:
            self._write("::endgroup::")
        elif title and not self._in_group:
            self._write(f"::group::{title}")
        self._in_group = bool(title)

    def _finish(self) -> None:
        self._write("::group::Phases, workers and the slowest tests")
        for line in summary_lines(self._run):
            self._write(line)
        self._write("::endgroup::")
        self.show_failures()

    def show_failures(self) -> None:
        """Write a command for each failure, and the summary of the job.

        Raises:
            ReportError: The summary cannot be written.
        """
        for line in error_commands(self._run, self._workspace):
            self._write(line)
        if self._summary is not None:
            try:
                with self._summary.open("a", encoding="utf-8") as file:
                    file.write(job_summary(self._run))
            except OSError as error:
                raise ReportError(f"The job's summary cannot be written: {error}.") from error


def error_commands(run: RunRecord, workspace: str = "") -> Iterator[str]:
    """A command for each failure, which GitHub shows at its line.

    Args:
        workspace: The checkout; files in it are named relative to it.
    """
    folder = run.started.folder if run.started else ""
    written = 0
    flaky_fails = run.finished is not None and run.finished.flaky_fails
    failed = [test for test in run.tests.values() if test.status.is_bad]
    for test in [*failed, *run.flaky_tests]:
        failure = test.failure or test
        place, name = test.place, test.place.test_id
        level = "error" if failure is test or flaky_fails else "warning"
        name += "" if failure is test else " (flaky)"
        said = [
            (
                f"{name} {outcome.subtest}" if outcome.subtest else name,
                problem.text,
                # A line without its own file would be one of another file.
                (problem.file, problem.line) if problem.file else (place.file, place.line),
            )
            for outcome, problem in failure.problems
        ]
        unexpected = (name, UNEXPECTED, (place.file, place.line))
        for title, message, (file, line) in said or [unexpected]:
            yield _annotation(_in_workspace(file, folder, workspace), line, title, message, level)
            written += 1
            if written == ANNOTATIONS:
                return
    level = "error" if flaky_fails else "warning"
    for suffix, kind, fixtures in (
        ("", "error", run.bad_fixtures),
        (" (flaky)", level, run.flaky_fixtures),
    ):
        for _, outcome in fixtures:
            if (problem := outcome.problem) is not None:
                file = _in_workspace(problem.file, folder, workspace)
                name = f"{outcome.test_id}{suffix}"
                yield _annotation(file, problem.line, name, problem.text, kind)
    for leak in run.leaks:
        if leak.consequence != "fail":
            yield f"::warning title={_property('Leak')}::{_data(leak_in_words(leak))}"
    if run.finished is not None and run.finished.failure:
        yield _annotation("", 0, "The run ended before its tests", run.finished.failure)


def report_of_step(run: RunRecord, write: Callable[[str], None]) -> GithubReport:
    """The report for the step that this process runs in."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    summary = Path(file) if file else None
    return GithubReport(run, write=write, summary=summary, workspace=workspace)


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _annotation(file: str, line: int, title: str, message: str, level: str = "error") -> str:
    place = f"file={_property(file)}," if file else ""
    place += f"line={line}," if file and line else ""
    return f"::{level} {place}title={_property(title)}::{_data(message[-MESSAGE_LENGTH:])}"


def _in_workspace(file: str, folder: str, workspace: str) -> str:
    if not file:
        return ""
    full = file if file.startswith("/") else f"{folder}/{file}"
    return full.removeprefix(f"{workspace}/") if workspace else file


def _data(text: str) -> str:
    return without_controls(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
