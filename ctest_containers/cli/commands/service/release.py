"""`service release`: releases a slot, which is recreated before its next lease."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.option_types import count
from ctest_containers.cli.services import chosen_service, say, service_parser
from ctest_containers.exit_codes import ExitCode


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = service_parser(
        "release",
        usage="%(prog)s [options] SLOT",
        description="Releases a slot, which is recreated before the next lease.",
    )
    parser.add_argument("slot", type=count, help="the slot's number, as in the variable CTEST_SLOT")
    return parser


def release(arguments: Sequence[str]) -> int:
    """Give the slot back."""
    options = make_parser().parse_args(arguments)
    from ctest_containers.service import give_back

    give_back(chosen_service(options), options.slot)
    say(f"Released slot {options.slot}.")
    return ExitCode.PASSED


COMMAND: Final = Command(handle=release, make_parser=make_parser)
