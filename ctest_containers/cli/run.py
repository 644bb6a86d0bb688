"""`run`: Django's own `test` command, with the project's runner combined with containers."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ctest_containers.cli.loading import (
    ProjectCodeError,
    django_command_line,
    find_project,
    load_project,
)
from ctest_containers.cli.parsing import HelpFormatter, refusal, shown
from ctest_containers.errors import ProjectError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.servers.standby import STANDBY
from ctest_containers.storage import cache_folder
from ctest_containers.supply.earlier_runs import start_ahead

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand

PROJECT_RUNNER = "ctest_containers.runner.ProjectTestRunner"


EXAMPLES = (
    ("shop.tests.CartTests", "Run one class; a module, a package or a method are named alike."),
    ("--parallel 4 --failfast", "Run in 4 workers, as far as the first failure."),
    ("-k price --tag fast", "Run what has price in its name, and the tag fast."),
    ("--junit junit.xml --html report.html", "Leave reports."),
    ("--postgresql-image postgis/postgis:17-3.5", "Run on another image."),
)


def run(arguments: Sequence[str], runner: str = PROJECT_RUNNER, *, typed: str = "run") -> int:
    """Run the tests of the project in the current folder.

    Args:
        typed: The command before these arguments.
        runner: The path of the project's own runner, combined with what is to be done.

    Raises:
        CtestError: The project cannot be found or loaded, or an option is not valid.
        SystemExit: Tests failed, or Django's own command line refused its options.
    """
    from django.conf import settings
    from django.core.management import ManagementUtility
    from django.core.management.base import BaseCommand

    folder = Path.cwd()
    helping = not {"-h", "--help"}.isdisjoint(arguments)
    try:
        find_project(arguments, folder)
    except ProjectError:
        if not helping:
            raise
        # Help is needed by those, too, who have not found the folder yet.
        settings.configure()
    if not helping:
        # Its libraries are loaded, and servers come up, while the project is loaded.
        start_ahead(cache_folder(), folder, [typed, *arguments])
    try:
        load_project()
        argv = django_command_line(arguments, runner, typed)
        found = ManagementUtility(argv).fetch_command("test")
        assert isinstance(found, BaseCommand)
        readable(type(found))().run_from_argv(argv)
    except ProjectCodeError as error:
        # Shows where the project's own code failed.
        traceback.print_exception(error.__cause__)
        raise
    finally:
        # Where it did not come to a run, nobody has taken what was started for it.
        STANDBY.end()
    return ExitCode.PASSED


def readable(command: type[BaseCommand]) -> type[BaseCommand]:
    """Django's command, or the project's own one, with help and errors as all commands here."""

    def create_parser(self: Any, prog_name: str, subcommand: str, **options: Any) -> Any:
        parser = command.create_parser(
            self,
            prog_name,
            subcommand,
            usage=f"{prog_name} {subcommand} [options] [test_label ...]",
            formatter_class=HelpFormatter,
            epilog=shown([(f"{subcommand} {typed}", meaning) for typed, meaning in EXAMPLES]),
            **options,
        )

        def error(message: str) -> NoReturn:
            raise refusal(parser, message)

        parser.error = error  # type: ignore[method-assign]  # Django chooses the class.
        return parser

    return type(command.__name__, (command,), {"create_parser": create_parser})
