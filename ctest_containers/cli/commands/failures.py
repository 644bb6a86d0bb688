"""`failures`: the failures whose databases are kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.formats import say
from ctest_containers.cli.option_types import byte_size, count
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.config import project_meant
from ctest_containers.exit_codes import ExitCode
from ctest_containers.failures.store import KEPT_BYTES, KEPT_DAYS, FailureStore, Stored
from ctest_containers.text import plural, size, were


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} failures",
        description=(
            "Lists the failed tests whose databases are kept (run --keep-failed), the latest\n"
            "first. Use open to look into one of them."
        ),
        examples=[
            ("failures", "List the failures of this project."),
            ("failures --remove CartTests.test_total", "Remove the kept databases of a test."),
            ("failures --prune --days 3", "Remove failures that are older than three days."),
        ],
    )
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--json", action="store_true", help="print JSON")
    actions.add_argument(
        "--prune",
        action="store_true",
        help="remove old failures, and the oldest ones if they take too much space",
    )
    actions.add_argument(
        "--remove", metavar="TEST", help="remove all failures of a test; a prefix is enough"
    )
    actions.add_argument("--remove-all", action="store_true", help="remove all failures")
    parser.add_argument(
        "--days",
        type=count,
        default=KEPT_DAYS,
        help=f"with --prune: keep failures for this many days (default: {KEPT_DAYS:g})",
    )
    parser.add_argument(
        "--size",
        type=byte_size,
        default=KEPT_BYTES,
        help=f"with --prune: how much they may take together (default: {size(KEPT_BYTES)})",
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be removed")
    parser.add_argument("--project", help="the project's name (default: the current folder's)")
    return parser


def failures(arguments: Sequence[str]) -> int:
    """List the failures of a project, or remove some."""
    options = make_parser().parse_args(arguments)
    store = FailureStore.of(project_meant(options.project))
    if options.prune:
        surplus = store.surplus(max_bytes=options.size, days=options.days)
        _remove(store, surplus, dry=options.dry_run)
        if not options.dry_run:
            store.prune(max_bytes=options.size, days=options.days)
    elif options.remove is not None:
        test = store.find(options.remove).failure.test_id
        chosen = [stored for stored in store.all() if stored.failure.test_id == test]
        _remove(store, [(stored, "") for stored in chosen], dry=options.dry_run)
    elif options.remove_all:
        _remove(store, [(stored, "") for stored in store.all()], dry=options.dry_run)
    elif options.json:
        say(json.dumps([_as_json(stored) for stored in store.all()], indent=2))
    else:
        _list(store.all())
    return ExitCode.PASSED


def _remove(store: FailureStore, chosen: Sequence[tuple[Stored, str]], *, dry: bool) -> None:
    """Remove failures, and print a line for each.

    Args:
        chosen: The failures, each with the reason; an empty string for none.
    """
    for stored, reason in chosen:
        if not dry:
            store.remove(stored)
        name = f"{stored.failure.test_id} of run {stored.failure.run}"
        say(f"{'would remove' if dry else 'removed'} {name}{f': {reason}' if reason else ''}")
    verb = "would be" if dry else were(len(chosen))
    say(f"{plural(len(chosen), 'failure')} {verb} removed.")


def _list(listed: Sequence[Stored]) -> None:
    from ctest_containers.report.failures import HEADERS, print_table, rows_of

    rows = rows_of(listed)
    if not rows:
        say("No failure is kept.")
        return
    if sys.stdout.isatty():
        print_table(rows)
    else:
        widths = [max(len(row[column]) for row in (HEADERS, *rows)) for column in range(5)]
        for row in (HEADERS, *rows):
            say(
                "  ".join(
                    f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
                ).rstrip()
            )
    total = size(sum(stored.size for stored in listed))
    say(f"{plural(len(listed), 'failure')}, {total}. Open one: {PROGRAM} open TEST")


def _as_json(stored: Stored) -> dict[str, object]:
    failure = stored.failure
    return {
        "name": failure.name,
        "run": failure.run,
        "test": failure.test_id,
        "headline": failure.headline,
        "kept_at": failure.kept_at,
        "size": stored.size,
        "aliases": [alias for kept in failure.databases for alias in kept.plan.aliases],
        "folder": str(stored.folder),
    }


COMMAND: Final = Command(handle=failures, make_parser=make_parser)
