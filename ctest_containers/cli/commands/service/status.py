"""`service status`: which slots are up, and which are leased."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.services import chosen_service, service_parser
from ctest_containers.exit_codes import ExitCode


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = service_parser(
        "status",
        description=(
            "Shows for each slot whether it is up, which template it uses and who has\n"
            "leased it. The exit code is 1 if something is down that should be up."
        ),
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def status(arguments: Sequence[str]) -> int:
    """Print what is up."""
    options = make_parser().parse_args(arguments)
    from ctest_containers.service.status import as_lines, look_at

    seen = look_at(chosen_service(options).existing())
    if options.json:
        print(json.dumps(seen.as_json(), indent=2))
    else:
        for line in as_lines(seen):
            print(line)
    return ExitCode.PASSED if seen.is_up else ExitCode.FAILED


COMMAND: Final = Command(handle=status, make_parser=make_parser)
