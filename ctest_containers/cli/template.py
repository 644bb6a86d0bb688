"""`template`: what templates there are, what is in them, and how they come and go."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ctest_containers.cli.parsing import Parser
from ctest_containers.config.values import parse_count, parse_size
from ctest_containers.storage import KEPT_BYTES, KEPT_COUNT, KEPT_DAYS
from ctest_containers.text import size

BY_RUNNER: Final = {
    "build": "make sure that today's templates exist, as a run does",
    "explain": "whether today's templates exist, and if not, what has changed",
    "verify": "look into today's templates: are they what they say, has every migration been run",
    "push": "send today's templates to --registry",
    "pull": "get today's templates from --registry",
    "save": "write today's templates into a file",
    "key": "what today's templates are called in a cache of such files",
}
"""Those that load the project; they take the options of `run`, and labels of tests."""

SAVE_TO: Final = "--save-to"
"""How the runner of `save` is told its file; `template save FILE` becomes it."""


def template(arguments: Sequence[str]) -> int:
    """Carry out one of the commands about templates."""
    if arguments and arguments[0] in BY_RUNNER:
        from ctest_containers.cli.run import run

        command, *words = arguments
        if command == "save" and words and not words[0].startswith("-"):
            # As a label, it could not be followed by an option and labels again.
            words[0] = f"{SAVE_TO}={words[0]}"
        runner = f"ctest_containers.cli.template_commands.Project{command.capitalize()}"
        return run(words, runner, typed=f"template {command}")
    options = parser().parse_args(arguments)
    # What acts takes a while to load, which help does not wait for.
    from ctest_containers.cli.repository_commands import ACTS

    return ACTS[options.command](options)


def parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    made = Parser(
        prog="python -m ctest_containers template",
        description="What templates there are, what is in them, and how they come and go.",
        examples=[
            ("template explain", "Say whether a run would build, and why."),
            ("template list", "Show those of this project."),
            ("template prune --days 7", "Give up those that nobody used for a week."),
            ("template push --registry ghcr.io/acme/templates", "Share today's."),
        ],
    )
    commands = made.add_subparsers(required=True, dest="command", metavar="COMMAND")
    for name, meaning in BY_RUNNER.items():
        commands.add_parser(name, help=meaning)
    listed = commands.add_parser("list", help="the templates on this machine")
    listed.add_argument("--json", action="store_true", help="as JSON")
    pruning = commands.add_parser(
        "prune", help="remove those that are too many, too old or too large"
    )
    pruning.add_argument(
        "--count",
        type=_positive,
        default=KEPT_COUNT,
        help=f"how many of each database's templates stay (default: {KEPT_COUNT})",
    )
    pruning.add_argument(
        "--days",
        type=_positive,
        default=KEPT_DAYS,
        help=f"how long one stays that nobody uses (default: {KEPT_DAYS:g})",
    )
    pruning.add_argument(
        "--size",
        type=_size,
        default=KEPT_BYTES,
        help=f"what a project's may take together (default: {size(KEPT_BYTES)})",
    )
    pruning.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    for one in (listed, pruning):
        one.add_argument("--project", help="of this project; by default the current folder's name")
        one.add_argument("--all", action="store_true", help="of every project")
    diff = commands.add_parser("diff", help="what two templates differ in")
    diff.add_argument("one", metavar="A", help="the beginning of a fingerprint, or a name of list")
    diff.add_argument("other", metavar="B")
    diff.add_argument(
        "--project", help="whose are meant first; by default the current folder's name"
    )
    loading = commands.add_parser("load", help="take templates in from a file")
    loading.add_argument("file", type=Path)
    return made


def _positive(text: str) -> int:
    return _parsed(parse_count, text)


def _size(text: str) -> int:
    return _parsed(parse_size, text)


def _parsed(parse: Any, text: str) -> int:
    try:
        return int(parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error
