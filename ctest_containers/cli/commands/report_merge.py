"""`report merge`: joins the event logs of jobs that shared the tests of a run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from ctest_containers.cli.formats import add_format_options, say, write_formats
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import UsageError
from ctest_containers.events import ServerMeasured
from ctest_containers.exit_codes import ExitCode
from ctest_containers.history import Entry
from ctest_containers.history.lines import HEADER, line
from ctest_containers.history.store import SUFFIX, read, sql_beside
from ctest_containers.impact.job_recordings import add_recordings
from ctest_containers.report import summary
from ctest_containers.report.merging import merge
from ctest_containers.report.recording import record_of
from ctest_containers.report.sql.file import read as read_sql
from ctest_containers.report.sql.file import write
from ctest_containers.report.sql.merging import merge_sql
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.timings import TimingsReport
from ctest_containers.storage import replace_text
from ctest_containers.timings import TimingsFile


def merge_reports(arguments: Sequence[str]) -> int:
    """Join event logs, write what the options name, and print the run in words.

    Returns the exit code that the run would have had in one job, and 2 if a part of it is missing.
    """
    options = make_parser().parse_args(arguments)
    merged = merge({str(log): read(log) for log in _logs(options.logs)})
    run = record_of(merged.entries)
    logs = list(map(Path, merged.logs))
    run.sql = _sql_of(logs)
    write_formats(options, run)
    if options.event_log:
        text = "".join(line(event, at) for at, event in merged.entries)
        log = Path(options.event_log)
        replace_text(log, HEADER + text)
        if run.sql is not None:
            write(run.sql, sql_beside(log))
    if options.timings:
        timings = Path(options.timings)
        _merge_timings(timings, merged.entries)
        for problem in add_recordings(timings, logs, is_whole=not merged.trouble):
            say(problem)
    if options.github:
        from ctest_containers.report.github import report_of_step

        report_of_step(run, say).show_failures()
    else:
        for text in summary.failures(run):
            say(text)
    for text in merged.notes:
        say(text)
    say(summary.verdict(run))
    say(summary.render(run).rstrip())
    if merged.trouble:
        return ExitCode.SETUP_FAILED
    return ExitCode.FAILED if run.has_failed else ExitCode.PASSED


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} report merge",
        description=(
            "Merges the event logs of jobs that shared a run's tests by using --shard.\n"
            "\n"
            "The exit code is that of a run in a single job: 0 if every test passed, 1 if a\n"
            "test failed. It is 2 if a shard is missing."
        ),
        examples=[
            ("report merge logs/ --junit junit.xml", "Merge all event logs in a folder."),
            (
                "report merge a.jsonl b.jsonl --html x.html",
                "Merge two event logs into an HTML page.",
            ),
            (
                "report merge logs/ --timings t.json",
                "Keep durations, to divide the next run's tests.",
            ),
        ],
    )
    parser.add_argument(
        "logs",
        nargs="+",
        metavar="LOG",
        help="a file written by --event-log, or a folder with such files",
    )
    add_format_options(parser)
    parser.add_argument(
        "--event-log",
        metavar="FILE",
        default="",
        help="write the merged event log, for use with report, and the jobs' SQL beside it",
    )
    parser.add_argument(
        "--timings",
        metavar="FILE",
        default="",
        help="add the measured durations to this timings file, and what was recorded beside it",
    )
    return parser


def _sql_of(logs: Sequence[Path]) -> SqlRecord | None:
    """The SQL beside event logs; None if no job recorded any, as one does that ran no tests."""
    records = [read_sql(file) for file in map(sql_beside, logs) if file.is_file()]
    return merge_sql(records) if records else None


def _merge_timings(file: Path, entries: Sequence[Entry]) -> None:
    """Add what all jobs have measured to a file of timings."""
    report = TimingsReport()
    for at, event in entries:
        report.handle(event, at)
        if isinstance(event, ServerMeasured):
            peaks = report.measured.memory
            peaks[event.group] = max(event.memory_bytes, peaks.get(event.group, 0))
    if trouble := TimingsFile(file).merge(report.measured):
        say(trouble)


def _logs(names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        if not path.is_dir():
            yield path
            continue
        logs = sorted(path.rglob(f"*{SUFFIX}"))
        if not logs:
            raise UsageError(
                f"The folder {name} contains no event logs.",
                f"Event logs have names that end in {SUFFIX}; run each job with --event-log.",
            )
        yield from logs
