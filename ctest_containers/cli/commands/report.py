"""`report`: shows what happened in a past run, from its event log."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.commands.report_sql import (
    add_sql_options,
    check_sql_options,
    report_sql,
)
from ctest_containers.cli.formats import add_format_options, say, write_formats
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.config import project_meant
from ctest_containers.errors import CtestError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.history import History
from ctest_containers.history.schema import schema
from ctest_containers.history.store import read, run_of
from ctest_containers.report import summary
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import record_of
from ctest_containers.report.stress import stress_lines
from ctest_containers.text import duration

EARLIER = 20
"""The number of runs before it that a run is compared with."""


def report(arguments: Sequence[str]) -> int:
    """Write a past run in the formats that the options name, or print it in words."""
    if arguments[:1] == ["merge"]:
        from ctest_containers.cli.commands.report_merge import merge_reports

        return merge_reports(arguments[1:])
    options = make_parser().parse_args(arguments)
    if options.schema:
        say(json.dumps(schema(), indent=2))
        return ExitCode.PASSED
    history = History.of(project_meant(options.project))
    if options.list:
        return _list(history)
    check_sql_options(options)
    if options.sql:
        return report_sql(options, history)
    log = history.find(options.run)
    run = record_of(read(log))
    has_output = write_formats(options, run)
    if options.github:
        from ctest_containers.report.github import report_of_step

        report_of_step(run, say).show_failures()
    elif options.analyse:
        _analyse(run, _earlier(history, log), as_json=options.json)
    elif not has_output:
        for text in summary.failures(run):
            say(text)
        say(summary.verdict(run))
        if run.stress is not None:
            say("\n".join(stress_lines(run.stress)))
        say(summary.render(run).rstrip())
    return ExitCode.PASSED


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} report",
        description="Shows what happened in a past run, or writes it in other formats.",
        examples=[
            ("report", "Show the last run: what failed, phases, slowest tests."),
            ("report --html report.html", "Write it as an HTML page."),
            ("report --list", "List the runs whose event logs exist."),
            ("report --analyse", "Compare it with earlier runs."),
            ("report --sql --against main", "Show which queries tests send more than on main."),
            ("report merge logs/", "Merge the event logs of jobs that shared the tests."),
        ],
    )
    parser.add_argument(
        "run",
        nargs="?",
        default="",
        help="the ID of a run, or its event log (default: the last run)",
    )
    parser.add_argument("--list", action="store_true", help="list the runs whose event logs exist")
    parser.add_argument("--project", help="the project's name (default: the current folder's)")
    add_format_options(parser)
    parser.add_argument(
        "--analyse",
        action="store_true",
        help="compare with earlier runs, and show what would save time",
    )
    parser.add_argument("--json", action="store_true", help="with --analyse or --sql: print JSON")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of event logs")
    add_sql_options(parser)
    return parser


def _list(history: History) -> int:
    for log in reversed(history.logs()):
        try:
            run = record_of(read(log))
        except CtestError as error:
            say(f"{run_of(log)}  {error.message}")
            continue
        started = run.started.started_at[:19].replace("T", " ") if run.started else ""
        left = run.finished.not_run if run.finished is not None else 0
        verdict = "stopped" if left else "failed" if run.has_failed else "passed"
        some = f"{len(run.tests) - left} of " if left else ""
        tests, took = f"{some}{len(run.tests)} tests", duration(run.ended)
        branch = run.started.branch if run.started else ""
        say(f"{run_of(log)}  {started}  {verdict}  {tests:>12}  {took:>12}  {branch}".rstrip())
    return ExitCode.PASSED


def _earlier(history: History, log: Path) -> list[RunRecord]:
    """The runs before the one of a log, oldest first, as far as their logs can be read."""
    runs = []
    for earlier in [file for file in history.logs() if file.name < log.name][-EARLIER:]:
        with suppress(CtestError):
            runs.append(record_of(read(earlier)))
    return runs


def _analyse(run: RunRecord, earlier: Sequence[RunRecord], *, as_json: bool) -> None:
    from ctest_containers.report import analysis

    result = analysis.analyse(run, earlier)
    say(json.dumps(analysis.as_json(result), indent=1) if as_json else analysis.as_text(result))


COMMAND: Final = Command(handle=report, make_parser=make_parser)
