"""`service up`: starts slots, each with every database, or adds what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ctest_containers.cli.addresses import add_outputs, check_outputs, hand_over, variables
from ctest_containers.cli.command import Command
from ctest_containers.cli.isolated_databases import (
    add_database_options,
    load_configuration,
    print_event,
)
from ctest_containers.cli.option_types import count
from ctest_containers.cli.services import say, service_parser
from ctest_containers.exit_codes import ExitCode


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = service_parser(
        "up",
        description="Starts slots, each with all databases, or adds those that are missing.",
        epilog=variables(),
    )
    parser.add_argument("--slots", type=count, default=1, help="the number of slots (default: 1)")
    add_database_options(parser)
    add_outputs(parser)
    return parser


def up(arguments: Sequence[str]) -> int:
    """Start what is missing, and hand the addresses over."""
    options = make_parser().parse_args(arguments)
    check_outputs(options)
    folder = Path.cwd()
    config = load_configuration(options)
    from ctest_containers.isolated import known_aliases, supply_of
    from ctest_containers.service import bring_up, recipe_of, service_file

    aliases = known_aliases(options.databases)
    supply = supply_of(config, print_event)
    try:
        file = service_file(supply.project, options.name)
        recipe = recipe_of(supply, config, aliases)
    finally:
        supply.close()
    state = bring_up(
        file,
        project=supply.project,
        recipe=recipe,
        count=options.slots,
        folder=folder,
        say=say,
    )
    hand_over(options, file, [slot for slot in state.slots if slot.number <= state.count])
    return ExitCode.PASSED


COMMAND: Final = Command(handle=up, make_parser=make_parser)
