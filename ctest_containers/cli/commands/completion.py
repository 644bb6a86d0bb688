"""`completion`: prints a script that completes commands and options in a shell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

from ctest_containers.cli.command import Command, add_parsers
from ctest_containers.cli.commands import COMMANDS
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode

NAME: Final = "ctest-containers"
"""The installed command: shells cannot complete the arguments of python -m."""

SHELLS: Final = ("bash", "zsh", "tcsh")


def completion(arguments: Sequence[str]) -> int:
    """Print the script for a shell.

    Raises:
        UsageError: shtab is not installed.
    """
    options = make_parser().parse_args(arguments)
    if find_spec("shtab") is None:
        raise UsageError(
            "Completion needs the package shtab.",
            "Run pip install 'ctest-containers[completion]'.",
        )
    import shtab

    root = command_tree()
    _complete_files(root, shtab.FILE)
    sys.stdout.write(f"{shtab.complete(root, shell=options.shell)}\n")
    return ExitCode.PASSED


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} completion",
        description=f"Prints a shell script that completes the commands of {NAME}.\n"
        "It needs ctest-containers[completion].",
        epilog="to install it:\n"
        "  bash, with the package bash-completion; new shells have it:\n"
        "    d=~/.local/share/bash-completion/completions; mkdir -p $d\n"
        f"    {NAME} completion bash > $d/{NAME}\n"
        "  zsh, with fpath+=~/.zfunc before compinit in ~/.zshrc:\n"
        "    mkdir -p ~/.zfunc\n"
        f"    {NAME} completion zsh > ~/.zfunc/_{NAME}\n"
        "  tcsh, with source ~/.complete.tcsh in ~/.tcshrc:\n"
        f"    {NAME} completion tcsh > ~/.complete.tcsh\n"
        "  for this shell alone, in bash:\n"
        f'    eval "$({NAME} completion bash)"',
    )
    parser.add_argument("shell", choices=SHELLS)
    return parser


def command_tree() -> argparse.ArgumentParser:
    """Every command with its options; no project is loaded for it."""
    root = argparse.ArgumentParser(prog=NAME)
    root.add_argument("--version", action="store_true", help="show the version and exit")
    add_parsers(root.add_subparsers(metavar="COMMAND"), COMMANDS)
    return root


def _complete_files(parser: argparse.ArgumentParser, files: Any) -> None:
    """Complete options that take a file with the names of files."""
    for action in parser._actions:
        if action.metavar in {"FILE", "PATHS"} or action.dest == "file":
            action.complete = files  # type: ignore[attr-defined]  # What shtab looks for.
    for action in _subparsers(parser):
        for inner in action.choices.values():
            _complete_files(inner, files)


def _subparsers(parser: argparse.ArgumentParser) -> list[Any]:
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]


COMMAND: Final = Command(handle=completion, make_parser=make_parser)
