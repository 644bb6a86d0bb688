"""`report merge`: joins what jobs have left that shared the tests of a run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import UsageError
from ctest_containers.events import ServerMeasured
from ctest_containers.exit_codes import ExitCode
from ctest_containers.history import Entry
from ctest_containers.history.lines import HEADER, line
from ctest_containers.history.store import SUFFIX, read
from ctest_containers.report import summary
from ctest_containers.report.files import file_outputs, write_all
from ctest_containers.report.merging import merge
from ctest_containers.report.record import record_of
from ctest_containers.report.timings import TimingsReport
from ctest_containers.storage import replace_text
from ctest_containers.text import without_controls
from ctest_containers.timings import TimingsFile


def merge_reports(arguments: Sequence[str]) -> int:
    """Join event logs, write what is asked for, and tell the run in words.

    Gives the exit code that the run would have had in one job, and 2 where a part of it is missing.
    """
    options = make_parser().parse_args(arguments)
    merged = merge({str(log): read(log) for log in _logs(options.logs)})
    run = record_of(merged.entries)
    outputs = file_outputs(junit=options.junit, html=options.html, prometheus=options.prometheus)
    write_all(outputs, run)
    if options.event_log:
        text = "".join(line(event, at) for at, event in merged.entries)
        replace_text(Path(options.event_log), HEADER + text)
    if options.timings:
        _merge_timings(Path(options.timings), merged.entries)
    if options.github:
        from ctest_containers.report.github import report_of_step

        report_of_step(run, _say).show_failures()
    else:
        for text in summary.failures(run):
            _say(text)
    for text in merged.notes:
        _say(text)
    _say(summary.verdict(run))
    _say(summary.render(run).rstrip())
    if merged.trouble:
        return ExitCode.SETUP_FAILED
    return ExitCode.FAILED if run.has_failed else ExitCode.PASSED


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} report merge",
        description="Joins the event logs of jobs that have shared a run's tests by --shard.\n\n"
        "It ends as the run would have ended in one job: with 0 where every test\n"
        "passed, with 1 where one did not, and with 2 where a shard is missing.",
        examples=[
            ("report merge logs/ --junit junit.xml", "Join all logs in a folder."),
            ("report merge a.jsonl b.jsonl --html report.html", "Join two logs into a page."),
            ("report merge logs/ --timings timings.json", "Let the next run divide by these."),
        ],
    )
    parser.add_argument(
        "logs", nargs="+", metavar="LOG", help="files that --event-log has written, or their folder"
    )
    for name, what in (
        ("junit", "JUnit XML"),
        ("html", "a page that needs nothing but itself"),
        ("prometheus", "metrics for the textfile collector"),
        ("event-log", "the joined event log, for other commands of report"),
    ):
        parser.add_argument(f"--{name}", metavar="FILE", default="", help=f"write {what}")
    parser.add_argument(
        "--timings",
        metavar="FILE",
        default="",
        help="add what was measured to these timings",
    )
    parser.add_argument(
        "--github", action="store_true", help="print annotations for GitHub, and write its summary"
    )
    return parser


def _merge_timings(file: Path, entries: Sequence[Entry]) -> None:
    """Add what all jobs have measured to a file of timings."""
    report = TimingsReport()
    for at, event in entries:
        report.handle(event, at)
        if isinstance(event, ServerMeasured):
            peaks = report.measured.memory
            peaks[event.group] = max(event.memory_bytes, peaks.get(event.group, 0))
    if trouble := TimingsFile(file).merge(report.measured):
        _say(trouble)


def _logs(names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        if not path.is_dir():
            yield path
            continue
        found = sorted(path.rglob(f"*{SUFFIX}"))
        if not found:
            raise UsageError(
                f"There is no event log in the folder {name}.",
                f"Their names end in {SUFFIX}; run each job with --event-log.",
            )
        yield from found


def _say(text: str) -> None:
    sys.stdout.write(without_controls(f"{text}\n"))
