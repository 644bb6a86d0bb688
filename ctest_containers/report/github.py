"""What GitHub Actions shows of a run: annotations, groups in the log, and a summary of the job.

See https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

import html
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.errors import ReportError
from ctest_containers.events import Event, Phase, PhaseStarted, RunFinished, StressFinished
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_flag
from ctest_containers.report.api import Report
from ctest_containers.report.format import SECTION, ReportContext, ReportFormat
from ctest_containers.report.messages import lines_of
from ctest_containers.report.record import UNEXPECTED, RunRecord, Status
from ctest_containers.report.stress import headline, rate, rounds, what
from ctest_containers.report.summary import lines as summary_lines
from ctest_containers.report.summary import verdict
from ctest_containers.text import duration, without_controls

ANNOTATIONS: Final = 50
"""GitHub shows fewer of them for each step, and the log has all failures anyway."""

SUMMARY_BYTES: Final = 900 * 1024
"""GitHub refuses a summary of more than 1 MiB."""

STRESSED_TESTS: Final = 50
"""The least reliable ones; the event log has all."""

MESSAGE_LENGTH: Final = 4000

ICONS: Final = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.ERROR: "💥",
    Status.UNEXPECTED_SUCCESS: "❗",
    Status.FLAKY: "🔁",
    Status.SKIPPED: "⏭️",
    Status.EXPECTED_FAILURE: "🟡",
    Status.NOT_RUN: "⚪",
}


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
            text = "\n".join(line for _, line in lines_of(leak))
            yield f"::warning title={_property('Leak')}::{_data(text)}"
    if run.finished is not None and run.finished.failure:
        yield _annotation("", 0, "The run ended before its tests", run.finished.failure)


def job_summary(run: RunRecord) -> str:
    """The run in Markdown: counts, failures, phases and the slowest tests."""
    lines = [f"### {'❌' if run.has_failed else '✅'} {_cell(verdict(run))}", ""]
    counts = {status: count for status, count in run.counts.items() if count}
    if counts:
        lines.append(
            "| " + " | ".join(f"{ICONS[status]} {status.value}" for status in counts) + " |"
        )
        lines.append("|" + " --- |" * len(counts))
        lines.append("| " + " | ".join(map(str, counts.values())) + " |")
        lines.append("")
    failures = list(_failures(run))
    size = 0
    for shown, (icon, name, text) in enumerate(failures):
        block = _details(icon, name, text[-MESSAGE_LENGTH:])
        size += len(block.encode(errors="backslashreplace"))
        if size > SUMMARY_BYTES:
            lines.append(f"… and {len(failures) - shown} more; see the log.")
            break
        lines.append(block)
    if run.stress is not None:
        lines += _stress_lines(run.stress)
    leaks = [text for leak in run.leaks for _, text in lines_of(leak)]
    if leaks:
        lines += ["", "Left in databases:", "", *(f"- {_cell(text)}" for text in leaks)]
    phases = run.phase_seconds
    if phases:
        lines += ["", "| " + " | ".join(phase.value for phase in phases) + " |"]
        lines.append("|" + " ---: |" * len(phases))
        lines.append("| " + " | ".join(map(duration, phases.values())) + " |")
    slowest = run.slowest(10)
    if slowest:
        lines += ["", "| slowest tests | |", "| --- | ---: |"]
        lines += [
            f"| `{_cell(test.place.test_id)}` | {duration(test.seconds)} |" for test in slowest
        ]
    if run.planned is not None and run.planned.workers:
        lines += ["", f"Workers: {run.planned.workers} ({_cell(run.planned.reason)})."]
    return without_controls("\n".join(lines)) + "\n\n"


def _stress_lines(stress: StressFinished) -> Iterator[str]:
    """Yield the statistics of a stress run."""
    yield ""
    yield headline(stress)
    if stress.tests:
        yield ""
        yield "| failure rate | test | failures |"
        yield "| ---: | --- | --- |"
    for test in stress.tests[:STRESSED_TESTS]:
        failures = "<br>".join(
            html.escape(f"{failure.count}x {what(failure)} in {rounds(failure, stress.seed)}")
            for failure in test.failures
        )
        yield f"| {rate(test)} | `{_cell(test.test_id)}` | {_cell(failures)} |"
    if stress.durations:
        yield ""
        yield "| minimum | median | maximum | test |"
        yield "| ---: | ---: | ---: | --- |"
    for row in stress.durations:
        seconds = (row.min_seconds, row.median_seconds, row.max_seconds)
        yield f"| {' | '.join(map(duration, seconds))} | `{_cell(row.test_id)}` |"


def _failures(run: RunRecord) -> Iterator[tuple[str, str, str]]:
    """An icon, the name and the text of each failure; the flaky ones come last."""
    bad, flaky = ICONS[Status.FAILED], ICONS[Status.FLAKY]
    failed = [test for test in run.tests.values() if test.status.is_bad]
    for icon, tests, fixtures in (
        (bad, failed, run.bad_fixtures),
        (flaky, run.flaky_tests, run.flaky_fixtures),
    ):
        for test in tests:
            texts = [problem.text for _, problem in (test.failure or test).problems]
            yield icon, test.place.test_id, "\n".join(texts) or UNEXPECTED
        for _, outcome in fixtures:
            yield icon, outcome.test_id, outcome.problem.text if outcome.problem else ""


def report_of_step(run: RunRecord, write: Callable[[str], None]) -> GithubReport:
    """The report for the step that this process runs in."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    summary = Path(file) if file else None
    return GithubReport(run, write=write, summary=summary, workspace=workspace)


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _details(icon: str, name: str, text: str) -> str:
    """A part that opens when it is clicked on; the fence is longer than any in the text."""
    longest = max((len(ticks) for ticks in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    title = f"<details><summary>{icon} <code>{html.escape(name, quote=False)}</code></summary>"
    return f"{title}\n\n{fence}\n{text}\n{fence}\n\n</details>"


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


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
