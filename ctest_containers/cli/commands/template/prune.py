"""`template prune`: removes templates that are too many, too old or too large."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.local_templates import (
    add_project_options,
    chosen_project,
    local_repository,
    stored_templates,
)
from ctest_containers.cli.option_types import byte_size, count
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.exit_codes import ExitCode
from ctest_containers.failures.store import FailureStore
from ctest_containers.storage import KEPT_BYTES, KEPT_COUNT, KEPT_DAYS
from ctest_containers.text import size, were


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} template prune",
        description=(
            "Removes templates that have not been used for long, and the least recently used\n"
            "ones if there are too many or they take too much space. Removes old kept failures,\n"
            "too; see failures --prune."
        ),
        examples=[
            ("template prune --dry-run", "Show what would be removed."),
            ("template prune --days 7", "Remove templates that have not been used for a week."),
        ],
    )
    parser.add_argument(
        "--count",
        type=count,
        default=KEPT_COUNT,
        help=f"how many templates of each database to keep (default: {KEPT_COUNT})",
    )
    parser.add_argument(
        "--days",
        type=count,
        default=KEPT_DAYS,
        help=f"keep an unused template for this many days (default: {KEPT_DAYS:g})",
    )
    parser.add_argument(
        "--size",
        type=byte_size,
        default=KEPT_BYTES,
        help=f"how much a project's may take together (default: {size(KEPT_BYTES)})",
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be removed")
    add_project_options(parser)
    return parser


def prune(arguments: Sequence[str]) -> int:
    """Remove templates, and print a line for each."""
    options = make_parser().parse_args(arguments)
    from ctest_containers.template.stored import amount, to_prune

    removed = []
    with local_repository() as repository:
        surplus = to_prune(
            stored_templates(repository, chosen_project(options)),
            count=options.count,
            days=options.days,
            max_bytes=options.size,
            spared_seconds=0.0,
        )
        for template, reason in surplus:
            if options.dry_run:
                print(f"would remove {template.name}: {reason}")
            elif repository.remove(template):
                print(f"removed {template.name}: {reason}")
            else:
                print(f"left {template.name}, which a container uses")
                continue
            removed.append(template)
    verb = "would be" if options.dry_run else were(len(removed))
    print(f"{amount(removed)} {verb} removed.")
    _prune_failures(options)
    return ExitCode.PASSED


def _prune_failures(options: argparse.Namespace) -> None:
    """Remove the kept failures that exceed their limits, and print a line for each."""
    project = chosen_project(options)
    stores = FailureStore.every() if project == "*" else [FailureStore.of(project)]
    for store in stores:
        for stored, reason in store.surplus():
            verb = "would remove" if options.dry_run else "removed"
            print(f"{verb} failure {stored.failure.name}: {reason}")
        if not options.dry_run:
            store.prune()


COMMAND: Final = Command(handle=prune, make_parser=make_parser)
