"""`run`: Django's own `test` command, with the project's runner combined with containers."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ctest_containers.errors import ProjectError, UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.project import settings as project_settings
from ctest_containers.servers import launch
from ctest_containers.storage import cache_folder

PROGRAM = "python -m ctest_containers"


PROJECT_RUNNER = "ctest_containers.runner.ProjectTestRunner"


def run(arguments: Sequence[str], runner: str = PROJECT_RUNNER) -> int:
    """Run the tests of the project in the current folder.

    Args:
        runner: The path of the project's own runner, combined with what is to be done.

    Raises:
        CtestError: The project cannot be found or loaded, or an option is not valid.
        SystemExit: Tests failed, or Django's own command line refused its options.
    """
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import ManagementUtility
    from django.core.management.base import BaseCommand, CommandParser, handle_default_options
    from django.core.management.utils import get_command_line_option

    argv = [PROGRAM, "run", *arguments]
    parser = CommandParser(add_help=False, allow_abbrev=False, called_from_command_line=True)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    options, _ = parser.parse_known_args(argv[2:])
    # Many a project's settings ask `"test" in sys.argv` whether tests are being run.
    sys.argv = ["manage.py", "test", *arguments]
    folder = Path.cwd()
    project_settings.import_from(folder)
    handle_default_options(options)
    project_settings.find_settings(folder)
    if not {"-h", "--help"}.intersection(arguments):
        # Its libraries are loaded while the project is.
        launch.start_ahead(cache_folder(), folder)
    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise ProjectError(f"The project's settings are not usable: {error}") from error
    except ModuleNotFoundError as error:
        named = os.environ[project_settings.VARIABLE]
        if error.name is not None and (named == error.name or named.startswith(error.name + ".")):
            raise ProjectError(
                f"The settings module {named!r} cannot be imported: {error}.",
                "Run it in the folder that has manage.py, or correct the name.",
            ) from error
        _refuse_to_load(error)
    except Exception as error:  # noqa: BLE001  # Settings and apps may raise anything.
        _refuse_to_load(error)
    if get_command_line_option(argv, "--testrunner") is None:
        argv.append(f"--testrunner={runner}")
    else:
        argv = _combine_named_runner(argv, runner)
    command = ManagementUtility(argv).fetch_command("test")
    assert isinstance(command, BaseCommand)
    command.run_from_argv(argv)
    return ExitCode.PASSED


def _refuse_to_load(error: Exception) -> NoReturn:
    """Show where the project's own code failed, and say what that means."""
    traceback.print_exc()
    raise ProjectError(
        "The project cannot be loaded; the reason is printed above.",
        "python manage.py check should show the same.",
    ) from error


def _combine_named_runner(argv: list[str], runner: str) -> list[str]:
    """Replace the runner that the command line names by its combination with containers."""
    from django.conf import settings
    from django.core.management.utils import get_command_line_option

    named = get_command_line_option(argv, "--testrunner")
    if not named:
        raise UsageError("The option --testrunner needs the dotted path of a class.")
    settings.TEST_RUNNER = named
    kept = []
    words = iter(argv)
    for word in words:
        if word == "--testrunner":
            next(words, None)
        elif not word.startswith("--testrunner="):
            kept.append(word)
    return [*kept, f"--testrunner={runner}"]
