"""The options of a run as arguments of Django's `test` command."""

from __future__ import annotations

import argparse
import os
from dataclasses import Field, fields
from typing import Any

from ctest_containers.config.model import Config
from ctest_containers.options.option import flag
from ctest_containers.options.values import parse_flag


def add_option(parser: Any, option: Field[Any], meaning: str = "") -> None:
    """Add an option to a parser or to a group of one.

    Args:
        meaning: Its help; an empty string for that of the table.
    """
    shape: dict[str, Any] = (
        {"action": argparse.BooleanOptionalAction}
        if option.metadata["parse"] is parse_flag
        else {"metavar": option.metadata["metavar"]}
    )
    if option.metadata["bare"] is not None:
        shape |= {"nargs": "?", "const": option.metadata["bare"]}
    text = meaning or option.metadata["meaning"]
    parser.add_argument(flag(option), dest=option.name, default=None, help=text, **shape)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the toolkit's options to those of Django, and extend Django's own `--parallel`."""
    groups: dict[str, Any] = {}
    for option in fields(Config):
        section = option.metadata["section"]
        if section not in groups:
            groups[section] = parser.add_argument_group(section)
        add_option(groups[section], option)
    for action in parser._actions:
        if action.dest == "parallel":
            action.type = _parse_parallel
            action.help = (
                "Run tests in N workers. Without a number, or with auto, as many as are useful "
                "and fit the machine."
            )


def _parse_parallel(value: str) -> int:
    """The number of workers for `--parallel`; 0 to let the machine decide."""
    number = os.environ.get("DJANGO_TEST_PROCESSES", "0") if value == "auto" else value
    try:
        return int(number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"invalid value {number!r}: must be a whole number or auto"
        ) from None
