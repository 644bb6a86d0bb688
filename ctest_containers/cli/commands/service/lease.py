"""`service lease`: leases a free slot, and prints its addresses."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from ctest_containers.cli.addresses import add_outputs, check_outputs, hand_over, variables
from ctest_containers.cli.command import Command
from ctest_containers.cli.option_types import count, seconds
from ctest_containers.cli.services import chosen_service, service_parser
from ctest_containers.exit_codes import ExitCode


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = service_parser(
        "lease", description="Leases a free slot, and prints its addresses.", epilog=variables()
    )
    parser.add_argument(
        "--wait",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for a free slot (default: 0)",
    )
    parser.add_argument(
        "--for",
        dest="holder",
        type=count,
        metavar="PID",
        help="end the lease when this process ends, however it dies (default: the lease lasts "
        "until service release)",
    )
    add_outputs(parser)
    return parser


def lease(arguments: Sequence[str]) -> int:
    """Take a slot, and hand its addresses over."""
    options = make_parser().parse_args(arguments)
    check_outputs(options)
    from ctest_containers.service import give_back, take

    file = chosen_service(options)
    slot = take(file, holder=options.holder, wait_seconds=options.wait)
    try:
        hand_over(options, file, [slot])
    except BaseException:
        # No one knows its address.
        give_back(file, slot.number, slot.lease)
        raise
    return ExitCode.PASSED


COMMAND: Final = Command(handle=lease, make_parser=make_parser)
