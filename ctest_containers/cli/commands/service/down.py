"""`service down`: removes a service's containers, folders and files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.services import chosen_service, service_parser
from ctest_containers.exit_codes import ExitCode


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = service_parser(
        "down", description="Removes the service's containers, folders and files."
    )
    parser.add_argument("--all", action="store_true", help="remove every service of every project")
    return parser


def down(arguments: Sequence[str]) -> int:
    """Remove the service, and print what was removed."""
    options = make_parser().parse_args(arguments)
    from ctest_containers.service import services, take_down

    removed = 0
    for file in services() if options.all else [chosen_service(options)]:
        for thing in take_down(file):
            print(f"removed {thing}")
            removed += 1
    if not removed:
        print("Nothing to remove.")
        others = [] if options.all else services(chosen_service(options).path.parent.name)
        for other in others:
            print(
                f"The service {other.name!r} is running: remove it with service down --name "
                f"{other.name}, or all services with --all."
            )
    return ExitCode.PASSED


COMMAND: Final = Command(handle=down, make_parser=make_parser)
