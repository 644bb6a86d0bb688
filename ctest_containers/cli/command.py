"""What a command is to the command line, and a command that has commands of its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ctest_containers.cli.parsing import PROGRAM, Parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, as its module registers it in the constant `COMMAND`.

    Attributes:
        handle: Carries it out, given the words after its name, and returns the exit code.
        make_parser: Makes a parser with every flag that it takes, for completion in shells.
    """

    handle: Callable[[Sequence[str]], int]
    make_parser: Callable[[], argparse.ArgumentParser]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGroup:
    """Commands that share a first word: the folder of that name has a module for each.

    Attributes:
        commands: What each of them is for.
        examples: Pairs of what is typed after the program's name, and what that does.
    """

    name: str
    commands: Mapping[str, str]
    description: str
    examples: Sequence[tuple[str, str]]

    def handle(self, words: Sequence[str]) -> int:
        """Carry out the command that the first word names.

        Raises:
            UsageError: The first word names none of them.
        """
        parser, commands = self._parser()
        for name, summary in self.commands.items():
            commands.add_parser(name, help=summary)
        name = parser.parse_args(words[:1]).command
        return load(f"{self.name}.{name}").handle(words[1:])

    def make_parser(self) -> argparse.ArgumentParser:
        """A parser with every flag of each command."""
        parser, commands = self._parser()
        add_parsers(commands, self.commands, f"{self.name}.")
        return parser

    def _parser(self) -> tuple[Parser, argparse._SubParsersAction[Parser]]:
        parser = Parser(
            prog=f"{PROGRAM} {self.name}", description=self.description, examples=self.examples
        )
        return parser, parser.add_subparsers(required=True, dest="command", metavar="COMMAND")


def load(name: str) -> Command:
    """The command that a module in the package `commands` registers."""
    command: Command = import_module(f"ctest_containers.cli.commands.{name}").COMMAND
    return command


def add_parsers(
    subparsers: argparse._SubParsersAction[Any],
    commands: Mapping[str, str],
    prefix: str = "",
) -> None:
    """Add the parser of each command, with every flag.

    Args:
        prefix: What comes before the name of a command in that of its module.
    """
    for name, summary in commands.items():
        subparsers.add_parser(
            name,
            help=summary,
            parents=[load(f"{prefix}{name}").make_parser()],
            add_help=False,
            conflict_handler="resolve",
        )
