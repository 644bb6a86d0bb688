"""`completion`: a script that lets a shell complete commands and options of `ctest-containers`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from ctest_containers.cli.overview import MEANINGS
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode

NAME: Final = "ctest-containers"
"""What is completed: the installed command; shells cannot complete what python -m is given."""

SHELLS: Final = ("bash", "zsh", "tcsh")

LIKE_RUN: Final = frozenset({"run", "plan", "doctor"})
"""Commands that have the options of `run`."""

RUNNER: Final = "ctest_containers.runner.ContainerTestRunner"
"""Has every option of `run` that does not come from a project's own runner."""


def completion(arguments: Sequence[str]) -> int:
    """Print the script for a shell.

    Raises:
        UsageError: What makes such scripts is not installed.
    """
    options = parser().parse_args(arguments)
    if find_spec("shtab") is None:
        raise UsageError(
            "Completion needs shtab, which is not installed.",
            "pip install shtab, or the toolkit's extra `completion`.",
        )
    import shtab

    root = command_tree()
    _complete_files(root, shtab.FILE)
    sys.stdout.write(f"{shtab.complete(root, shell=options.shell)}\n")
    return ExitCode.PASSED


def parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    made = Parser(
        prog=f"{PROGRAM} completion",
        description=f"Prints a script that lets a shell complete {NAME}.\n"
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
    made.add_argument("shell", choices=SHELLS)
    return made


def command_tree() -> argparse.ArgumentParser:
    """Every command with its options; no project is loaded for it."""
    from ctest_containers.cli import COMMANDS

    root = argparse.ArgumentParser(prog=NAME)
    root.add_argument("--version", action="store_true", help="show the version and end")
    commands = root.add_subparsers(metavar="COMMAND")
    for command, module in COMMANDS.items():
        parents = _parsers(command, module)
        if parents:
            added = commands.add_parser(
                command,
                help=MEANINGS[command],
                parents=parents,
                add_help=False,
                conflict_handler="resolve",
            )
            if command == "template":
                _let_templates_have_options_of_run(added)
    return root


def _parsers(command: str, module: str) -> list[argparse.ArgumentParser]:
    """The parsers whose options a command takes; none where it has none of its own."""
    own = getattr(import_module(f"ctest_containers.cli.{module}"), "parser", None)
    parsers = [run_parser()] if command in LIKE_RUN else []
    return parsers if own is None else [*parsers, own()]


def run_parser() -> argparse.ArgumentParser:
    """The options of Django's test command, and ours."""
    from django.core.management.commands.test import Command

    command = Command()
    command.test_runner = RUNNER
    return command.create_parser(PROGRAM, "run")


def _let_templates_have_options_of_run(parser: argparse.ArgumentParser) -> None:
    from ctest_containers.cli.template import BY_RUNNER

    for action in _subparsers(parser):
        for name in BY_RUNNER:
            run = run_parser()
            for one in run._actions:
                if one.option_strings and not isinstance(one, argparse._HelpAction):
                    action.choices[name]._add_action(one)


def _complete_files(parser: argparse.ArgumentParser, files: Any) -> None:
    """Let options that take a file be completed by files."""
    for action in parser._actions:
        if action.metavar in {"FILE", "PATHS"} or action.dest == "file":
            action.complete = files  # type: ignore[attr-defined]  # What shtab looks for.
    for action in _subparsers(parser):
        for inner in action.choices.values():
            _complete_files(inner, files)


def _subparsers(parser: argparse.ArgumentParser) -> list[Any]:
    return [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
