"""The parser of every command: short help, and errors that suggest what was meant."""

from __future__ import annotations

import argparse
import difflib
import re
import shutil
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

from ctest_containers.errors import UsageError

PROGRAM: Final = "python -m ctest_containers"

WIDEST: Final = 100
"""The most columns that help takes: longer lines are hard to read."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as they are, and leaves room for the words beside options."""

    def __init__(self, prog: str, **options: Any) -> None:
        columns = min(shutil.get_terminal_size().columns - 2, WIDEST)
        super().__init__(prog, **{"max_help_position": 28, "width": columns, **options})


class Parser(argparse.ArgumentParser):
    """The parser of a command.

    Args:
        examples: Pairs of what is typed after the program's name, and what that does.
    """

    def __init__(
        self, *arguments: Any, examples: Sequence[tuple[str, str]] = (), **options: Any
    ) -> None:
        usual = {
            "formatter_class": HelpFormatter,
            "epilog": shown(examples),
            "allow_abbrev": False,
        }
        super().__init__(*arguments, **{**usual, **options})

    def error(self, message: str) -> NoReturn:
        """Raise what `argparse.ArgumentParser` would print; `main` prints it as every error.

        Raises:
            UsageError: Always.
        """
        raise refusal(self, message)


def shown(examples: Sequence[tuple[str, str]]) -> str | None:
    """Examples as help shows them."""
    if not examples:
        return None
    lines = [f"  {f'{PROGRAM} {typed}'.strip()}\n      {meaning}" for typed, meaning in examples]
    return "\n".join(["examples:", *lines])


def refusal(parser: argparse.ArgumentParser, message: str) -> UsageError:
    """What argparse refuses, as a sentence with what was probably meant."""
    see = f"See {parser.prog} --help."
    if unknown := re.match(r"unrecognized arguments: (.*)", message, re.DOTALL):
        words = unknown[1].split()
        option = next((word for word in words if word.startswith("-")), None)
        if option is None:
            return UsageError(f"{parser.prog}: unexpected argument {words[0]!r}.", see)
        known = [name for action in parser._actions for name in action.option_strings]
        return UsageError(
            f"{parser.prog}: unknown option {option.partition('=')[0]}.",
            near(option.partition("=")[0], known) or see,
        )
    if choice := re.match(r"(?:argument (\S+): )?invalid choice: '(.*?)' \(choose", message):
        choices = [str(value) for value in _choices(parser, choice[1])]
        return UsageError(
            f"{parser.prog}: invalid value {choice[2]!r} for {choice[1]}.",
            near(choice[2], choices) or f"Choose from {', '.join(choices)}.",
        )
    return UsageError(f"{parser.prog}: {message}.", see)


def near(word: str, known: Iterable[str]) -> str:
    """The question whether one of the known words was meant; empty if none is like it."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"Did you mean {matches[0]}?" if matches else ""


def _choices(parser: argparse.ArgumentParser, name: str | None) -> Iterable[Any]:
    for action in parser._actions:
        names = {"/".join(action.option_strings), action.metavar, action.dest}
        if action.choices is not None and (name in names or name is None):
            return action.choices
    return ()
