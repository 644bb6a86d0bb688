"""`report --sql`: shows what tests send to their databases, and what a branch has added."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from ctest_containers.cli.formats import has_formats, say, write_formats
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.history import History
from ctest_containers.history.store import SQL_SUFFIX, read
from ctest_containers.project.git import commit_of
from ctest_containers.report.recording import record_of
from ctest_containers.report.sql import terminal
from ctest_containers.report.sql.as_json import comparison_as_json, run_as_json
from ctest_containers.report.sql.comparing import Growth, SqlComparison, compare, parse_growth
from ctest_containers.report.sql.history import sql_before, sql_of_run
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.sql.words import queries, unit_name
from ctest_containers.text import plural


def add_sql_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the report on SQL."""
    group = parser.add_argument_group("SQL of a run with --record")
    group.add_argument(
        "--sql",
        action="store_true",
        help="show which statements tests sent, how often, and from which lines",
    )
    group.add_argument(
        "--test",
        metavar="TEXT",
        default="",
        help="with --sql: show all statements of tests and set-up whose names contain this",
    )
    group.add_argument(
        "--against",
        metavar="RUN|REV",
        default="",
        help="with --sql: show what the run sends that an earlier one, or the last one at a commit "
        "or branch, did not",
    )
    group.add_argument(
        "--max-queries-growth",
        metavar="N|N%",
        type=_growth,
        help="with --against: exit with 1 if a test sends more queries than before by more than "
        "this number or percentage",
    )


def check_sql_options(options: argparse.Namespace) -> None:
    """Refuse options that mean nothing without others.

    Raises:
        UsageError: There is one.
    """
    for name, needed in (("test", "sql"), ("against", "sql"), ("max_queries_growth", "against")):
        if getattr(options, name) and not getattr(options, needed):
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} only has a meaning with --{needed}.")
    if options.sql and options.analyse:
        raise UsageError("--sql cannot be combined with --analyse.")


def report_sql(options: argparse.Namespace, history: History) -> int:
    """Show the SQL of a run, or write a report that has it; return the exit code."""
    record, comparison = sql_of_run(history, options.run), None
    if options.against:
        folder = Path.cwd()
        before = sql_before(history, options.against, record.run, partial(commit_of, folder))
        comparison = compare(before, record)
    if not _write_reports(options, history, record, comparison):
        if options.json:
            content = run_as_json(record) if comparison is None else comparison_as_json(comparison)
            say(json.dumps(content, indent=1))
        else:
            terminal.show(record, comparison, units=_units(record, options.test))
    if comparison is None or options.max_queries_growth is None:
        return ExitCode.PASSED
    return _check_growth(comparison, options.max_queries_growth, quiet=options.json)


def _write_reports(
    options: argparse.Namespace,
    history: History,
    record: SqlRecord,
    comparison: SqlComparison | None,
) -> bool:
    """Write the formats that the options name, and return whether they name any."""
    if not (options.github or has_formats(options)):
        return False
    named = Path(options.run)
    is_log = named.is_file() and not named.name.endswith(SQL_SUFFIX)
    run = record_of(read(named if is_log else history.find(record.run)))
    run.sql, run.sql_changes = record, comparison
    write_formats(options, run)
    if options.github:
        from ctest_containers.report.github import report_of_step

        report_of_step(run, say).show_failures()
    return True


def _units(record: SqlRecord, text: str) -> list[str]:
    units = [unit for unit in record.rows if text in unit_name(unit)] if text else []
    if text and not units:
        raise UsageError(f"No test of run {record.run} has {text!r} in its name.")
    return units


def _check_growth(comparison: SqlComparison, limit: Growth, *, quiet: bool) -> int:
    exceeding = list(limit.exceeded(comparison))
    if not exceeding:
        return ExitCode.PASSED
    if not quiet:
        worst = exceeding[0]
        say(
            f"\nFAILED: {plural(len(exceeding), 'test')} or set-ups send more queries than before "
            f"by more than {limit}: {unit_name(worst.unit)} sends {queries(worst.after)} instead "
            f"of {worst.before}."
        )
    return ExitCode.FAILED


def _growth(text: str) -> Growth:
    try:
        return parse_growth(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"invalid value {text!r}: it must be a number such as 3, or a percentage such as 10%"
        ) from None
