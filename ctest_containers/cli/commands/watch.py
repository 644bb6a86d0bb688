"""`watch`: stays up, and runs tests again whenever a file is saved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.project_command import ProjectCommand

if TYPE_CHECKING:
    from ctest_containers.watching.stage import Action

RECORDING_PYTHON: Final = (3, 12)
"""From this version on, recording what tests use takes little time."""

SPEC: Final = ProjectCommand(
    name="watch",
    description=(
        "Stays up with the project loaded. Whenever a file is saved, runs the tests that it can\n"
        "affect, those that failed first. Takes the options of run."
    ),
    examples=(
        ("", "Run all tests, and tests that are affected at each save."),
        ("shop.tests --parallel 2", "Watch only for the tests of one package."),
    ),
)


@dataclass(frozen=True, slots=True)
class WatchedProject:
    """See `Project`."""

    words: Sequence[str]

    @property
    def records(self) -> bool:
        """See `Project`."""
        return sys.version_info >= RECORDING_PYTHON and "--no-record" not in self.words

    def load(self) -> None:
        """See `Project`."""
        from ctest_containers.cli.loading import find_project, load_project

        find_project(self.words, Path.cwd())
        load_project()

    def act(self, action: Action, options: Sequence[str] = ()) -> int:
        """See `Project`."""
        from dataclasses import replace

        # What rounds record tells the next one what a change can reach. The user's words come
        # later, so `--no-record` takes precedence.
        recording = ["--record"] if sys.version_info >= RECORDING_PYTHON else []
        argv = SPEC.command_line([*recording, *self.words, "--failed-first", *options])
        replace(SPEC, action=action).django_command(argv).run_from_argv(argv)
        return 0


def handle(words: Sequence[str]) -> int:
    """Watch the project in the current folder.

    Raises:
        CtestError: Watch mode cannot start or go on.
    """
    if {"-h", "--help"}.isdisjoint(words):
        from ctest_containers.watching.screen import display_of_terminal
        from ctest_containers.watching.starting import watch

        return watch(WatchedProject(words), Path.cwd(), display_of_terminal())
    make_parser().print_help()
    return 0


def make_parser() -> argparse.ArgumentParser:
    """See `ProjectCommand.make_parser`."""
    return SPEC.make_parser()


COMMAND: Final = Command(handle=handle, make_parser=make_parser)
