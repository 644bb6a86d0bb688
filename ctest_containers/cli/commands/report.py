"""`report`: what happened in a run, from the event log that it has left."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.config import project_meant
from ctest_containers.errors import CtestError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.history import History
from ctest_containers.history.schema import schema
from ctest_containers.history.store import read, run_of
from ctest_containers.report import summary
from ctest_containers.report.files import file_outputs, write_all
from ctest_containers.report.record import RunRecord, record_of
from ctest_containers.text import duration, without_controls

EARLIER = 20
"""How many runs before it a run is compared with."""


def report(arguments: Sequence[str]) -> int:
    """Render a past run in the formats that are asked for, or tell it in words."""
    if arguments[:1] == ["merge"]:
        from ctest_containers.cli.commands.report_merge import merge_reports

        return merge_reports(arguments[1:])
    options = make_parser().parse_args(arguments)
    if options.schema:
        _say(json.dumps(schema(), indent=2))
        return ExitCode.PASSED
    history = History.of(project_meant(options.project))
    if options.list:
        return _list(history)
    log = history.find(options.run)
    run = record_of(read(log))
    outputs = file_outputs(junit=options.junit, html=options.html, prometheus=options.prometheus)
    write_all(outputs, run)
    if options.github:
        from ctest_containers.report.github import report_of_step

        report_of_step(run, _say).show_failures()
    elif options.analyse:
        _analyse(run, _earlier(history, log), as_json=options.json)
    elif not outputs:
        for text in summary.failures(run):
            _say(text)
        _say(summary.verdict(run))
        _say(summary.render(run).rstrip())
    return ExitCode.PASSED


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} report",
        description="Tells what happened in a past run, or writes it in other formats.",
        examples=[
            ("report", "Tell the last run: what failed, phases, slowest tests."),
            ("report --html report.html", "Write it as a page."),
            ("report --list", "Show the runs whose logs are kept."),
            ("report --analyse", "Compare it with earlier runs."),
            ("report merge logs/", "Join the logs of jobs that shared the tests."),
        ],
    )
    parser.add_argument(
        "run", nargs="?", default="", help="its id, or its log's file; by default the last one"
    )
    parser.add_argument("--list", action="store_true", help="the runs whose logs are kept")
    parser.add_argument("--project", help="whose runs; by default the current folder's name")
    for name, what in (
        ("junit", "JUnit XML"),
        ("html", "a page that needs nothing but itself"),
        ("prometheus", "metrics for the textfile collector"),
    ):
        parser.add_argument(f"--{name}", metavar="FILE", default="", help=f"write {what}")
    parser.add_argument(
        "--github", action="store_true", help="print annotations for GitHub, and write its summary"
    )
    parser.add_argument(
        "--analyse", action="store_true", help="compare with earlier runs: what to do about time"
    )
    parser.add_argument("--json", action="store_true", help="with --analyse: as JSON")
    parser.add_argument("--schema", action="store_true", help="the JSON Schema of event logs")
    return parser


def _list(history: History) -> int:
    for log in reversed(history.logs()):
        try:
            run = record_of(read(log))
        except CtestError as error:
            _say(f"{run_of(log)}  {error.message}")
            continue
        started = run.started.started_at[:19].replace("T", " ") if run.started else ""
        left = run.finished.not_run if run.finished is not None else 0
        verdict = "stopped" if left else "failed" if run.has_failed else "passed"
        some = f"{len(run.tests) - left} of " if left else ""
        tests, took = f"{some}{len(run.tests)} tests", duration(run.ended)
        branch = run.started.branch if run.started else ""
        _say(f"{run_of(log)}  {started}  {verdict}  {tests:>12}  {took:>12}  {branch}".rstrip())
    return ExitCode.PASSED


def _earlier(history: History, log: Path) -> list[RunRecord]:
    """The runs before one, oldest first, as far as their logs can be read."""
    found = []
    for earlier in [one for one in history.logs() if one.name < log.name][-EARLIER:]:
        with suppress(CtestError):
            found.append(record_of(read(earlier)))
    return found


def _analyse(run: RunRecord, earlier: Sequence[RunRecord], *, as_json: bool) -> None:
    from ctest_containers.report import analysis

    found = analysis.analyse(run, earlier)
    _say(json.dumps(analysis.as_json(found), indent=1) if as_json else analysis.as_text(found))


def _say(text: str) -> None:
    sys.stdout.write(without_controls(f"{text}\n"))


COMMAND: Final = Command(handle=report, make_parser=make_parser)
