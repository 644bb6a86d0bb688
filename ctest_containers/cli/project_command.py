"""A command that loads the project: Django's `test` command, with the combined runner.

`run` runs the tests; the others have an action that runs instead.
"""

from __future__ import annotations

import argparse
import functools
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ctest_containers.cli.command import Command
from ctest_containers.cli.loading import ProjectCodeError, find_project, load_project
from ctest_containers.cli.parsing import PROGRAM, HelpFormatter, refusal, shown
from ctest_containers.errors import ProjectError, UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.options.values import parse_flag
from ctest_containers.servers.standby import STANDBY
from ctest_containers.storage import cache_folder
from ctest_containers.supply.earlier_runs import start_ahead

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCommand:
    """A command that takes labels of tests and the options of `run`.

    Attributes:
        name: What is typed before these.
        action: Called instead of running the tests; None runs them.
        needs_of_any: Whether it needs the servers that the last command in the folder needed,
            whichever that was.
        description: What help says of it; empty for what Django says.
        examples: Pairs of what is typed after the name, and what that does.
        flags: Options of its own, by their names: the arguments of `add_argument`. The action gets
            their values by their `dest`.
    """

    name: str
    action: Callable[..., int] | None = None
    needs_of_any: bool = False
    description: str = ""
    examples: Sequence[tuple[str, str]] = ()
    flags: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def register(self) -> Command:
        """The command, for its module's constant `COMMAND`."""
        return Command(handle=self.handle, make_parser=self.make_parser)

    def handle(self, arguments: Sequence[str]) -> int:
        """Load the project in the current folder, and run its tests or the action.

        Raises:
            CtestError: The project cannot be found or loaded, or an option is not valid.
            SystemExit: Tests failed, or Django's own command line refused its options.
        """
        from django.conf import settings

        folder = Path.cwd()
        helping = not {"-h", "--help"}.isdisjoint(arguments)
        try:
            find_project(arguments, folder)
        except ProjectError:
            if not helping:
                raise
            # Help has to work outside of the project's folder, too.
            settings.configure()
        if not helping and not _runs_failed_tests(arguments):
            # Its libraries are loaded, and servers come up, while the project is loaded.
            command = [self.name, *arguments]
            start_ahead(cache_folder(), folder, command, of_any=self.needs_of_any)
        try:
            load_project(before_apps=lambda: self._watch_imports(arguments))
            argv = self.command_line(arguments)
            self.django_command(argv).run_from_argv(argv)
        except ProjectCodeError as error:
            # Shows where the project's own code failed.
            traceback.print_exception(error.__cause__)
            raise
        finally:
            # Ends what was started ahead, unless a run has taken it over.
            STANDBY.end()
        return ExitCode.PASSED

    def _watch_imports(self, arguments: Sequence[str]) -> None:
        """Note what the project uses when it is imported, if the run records tests."""
        if self.action is None and _records(arguments):
            # Most runs do not need what it imports.
            from ctest_containers.usage import import_watch

            import_watch.begin()

    def make_parser(self) -> argparse.ArgumentParser:
        """The options of Django's test command and ours; loads no project."""
        from django.core.management.commands.test import Command as DjangoCommand

        from ctest_containers.runner import ContainerTestRunner

        command = DjangoCommand()
        command.test_runner = _path(ContainerTestRunner)
        parser = command.create_parser(PROGRAM, self.name)
        self._add_flags(parser)
        return parser

    def make_project_parser(self, arguments: Sequence[str]) -> argparse.ArgumentParser:
        """The options of the loaded project's own test command and runner, and ours.

        Raises:
            UsageError: The project's runner cannot be combined with ours.
        """
        from ctest_containers.runner import ProjectTestRunner

        command = self.django_command(self.command_line(arguments))
        command.test_runner = _path(ProjectTestRunner)
        parser: argparse.ArgumentParser = command.create_parser(PROGRAM, self.name)
        return parser

    def command_line(self, arguments: Sequence[str]) -> list[str]:
        """The words for Django; the runner that they name is the project's own, combined with ours.

        Needs the project's settings.

        Raises:
            UsageError: The option --testrunner has no value.
        """
        from django.conf import settings
        from django.core.management.utils import get_command_line_option

        from ctest_containers.runner import ProjectTestRunner

        argv = [PROGRAM, self.name, *arguments]
        named = get_command_line_option(argv, "--testrunner")
        if named is not None:
            if not named:
                raise UsageError("--testrunner needs the dotted path of a class.")
            settings.TEST_RUNNER = named
            argv = _without_runner(argv)
        return [*argv, f"--testrunner={_path(ProjectTestRunner)}"]

    def django_command(self, argv: Sequence[str]) -> Any:
        """Django's test command, or the project's own one, with our help, errors and action."""
        from django.core.management import ManagementUtility

        command: type[BaseCommand] = type(ManagementUtility([*argv]).fetch_command("test"))
        spec = self

        def create_parser(self: Any, prog_name: str, subcommand: str, **options: Any) -> Any:
            parser = command.create_parser(
                self,
                prog_name,
                subcommand,
                usage=f"{prog_name} {subcommand} [options] [test_label ...]",
                formatter_class=HelpFormatter,
                epilog=shown([(f"{subcommand} {typed}", what) for typed, what in spec.examples]),
                **options,
            )
            spec._add_flags(parser)
            # The values of options become arguments of the runner.
            parser.set_defaults(runner_action=spec.action)

            def error(message: str) -> NoReturn:
                raise refusal(parser, message)

            parser.error = error  # type: ignore[method-assign]  # Django chooses the class.
            return parser

        def handle(self: Any, *labels: str, **options: Any) -> Any:
            own = {flag["dest"]: options.pop(flag["dest"]) for flag in spec.flags.values()}
            if spec.action is not None:
                options["runner_action"] = functools.partial(spec.action, **own)
            return command.handle(self, *labels, **options)

        members = {
            "create_parser": create_parser,
            "handle": handle,
            "help": self.description or command.help,
        }
        return type(command.__name__, (command,), members)()

    def _add_flags(self, parser: argparse.ArgumentParser) -> None:
        for name, arguments in self.flags.items():
            parser.add_argument(name, **arguments)


def _runs_failed_tests(arguments: Sequence[str]) -> bool:
    """Return whether only failed tests are to run, so that there may be nothing to start."""
    return "--failed" in arguments or os.environ.get("CTEST_CONTAINERS_FAILED", "") != ""


def _records(arguments: Sequence[str]) -> bool:
    """Return whether a run records tests; loads the settings if nothing else says so."""
    from django.conf import settings

    if "--record" in arguments:
        return True
    if "--no-record" in arguments:
        return False
    value = os.environ.get("CTEST_CONTAINERS_RECORD") or getattr(
        settings, "CTEST_CONTAINERS", {}
    ).get("RECORD")
    # A wrong value is refused when the options are parsed.
    with suppress(ValueError):
        return value is not None and parse_flag(value)
    return False


def _path(cls: type) -> str:
    """The dotted path by which Django imports a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _without_runner(argv: Sequence[str]) -> list[str]:
    """The words without the option --testrunner."""
    rest = []
    words = iter(argv)
    for word in words:
        if word == "--testrunner":
            next(words, None)
        elif not word.startswith("--testrunner="):
            rest.append(word)
    return rest
