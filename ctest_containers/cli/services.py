"""The service that a command is about: its options, and where it is found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.parsing import PROGRAM, Parser

if TYPE_CHECKING:
    from ctest_containers.service import ServiceFile

DEFAULT_NAME: Final = "default"
"""The name of a service that is given none."""


def service_parser(
    command: str,
    *,
    description: str,
    examples: Sequence[tuple[str, str]] = (),
    usage: str = "%(prog)s [options]",
    epilog: str | None = None,
) -> Parser:
    """A parser with the options that choose a service.

    Args:
        command: The word after `service`.
        epilog: What help ends with, in place of the examples.
    """
    ending = {} if epilog is None else {"epilog": epilog}
    parser = Parser(
        prog=f"{PROGRAM} service {command}",
        usage=usage,
        description=description,
        examples=examples,
        **ending,
    )
    parser.add_argument(
        "--name", default=DEFAULT_NAME, help=f"the name of the service (default: {DEFAULT_NAME})"
    )
    parser.add_argument(
        "--project", help="the name of the service's project (default: the current folder's name)"
    )
    return parser


def chosen_service(options: argparse.Namespace) -> ServiceFile:
    """The service that the options and the current folder choose.

    Raises:
        UsageError: There is none.
    """
    from ctest_containers.backends.environment import set_aside_variables
    from ctest_containers.config import project_meant
    from ctest_containers.service import find_service

    set_aside_variables()
    return find_service(project_meant(options.project), options.name, Path.cwd())


def say(line: str) -> None:
    """Print a line for a person; the standard output is for what programs read."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
