"""`template load`: loads templates from a file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.local_templates import local_repository
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} template load",
        description="Loads templates from a file that template save has written.",
        examples=[("template load templates.tar", "Load all templates in the file.")],
    )
    parser.add_argument("file", type=Path, help="the file")
    return parser


def load(arguments: Sequence[str]) -> int:
    """Print a line for each template in the file; those that have problems are not kept."""
    file = make_parser().parse_args(arguments).file
    if not file.is_file():
        raise UsageError(f"{file} does not exist.")
    refused = 0
    with local_repository() as repository:
        for name, problems in repository.load(file):
            if problems:
                refused += 1
                print(f"rejected {name}: {' '.join(problems)}")
            else:
                print(f"loaded {name}")
    return ExitCode.FAILED if refused else ExitCode.PASSED


COMMAND: Final = Command(handle=load, make_parser=make_parser)
