"""Finds and loads the project that a command is about, as `manage.py test` would."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ctest_containers.errors import ProjectError
from ctest_containers.project import guard
from ctest_containers.project import settings as project_settings

SEE_CHECK: Final = "Run python manage.py check, which should show the same error."


class ProjectCodeError(ProjectError):
    """The project's own code raised something; the cause has its traceback."""


def find_project(arguments: Sequence[str], folder: Path) -> None:
    """Name the settings in the environment, as options or manage.py have them.

    Raises:
        ProjectError: Nothing says where the settings are.
    """
    from django.core.management.base import CommandParser, handle_default_options

    parser = CommandParser(add_help=False, allow_abbrev=False, called_from_command_line=True)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    options, _ = parser.parse_known_args(list(arguments))
    # Many a project's settings ask `"test" in sys.argv` whether tests are being run.
    sys.argv = ["manage.py", "test", *arguments]
    project_settings.import_from(folder)
    handle_default_options(options)
    project_settings.find_settings(folder)


def load_project(before_apps: Callable[[], object] | None = None) -> None:
    """Set Django up with the settings that the environment names.

    Args:
        before_apps: Called before applications are loaded; it may read settings.

    Raises:
        ProjectError: They cannot be imported, or are not usable.
        ProjectCodeError: They, or an application, raised something else.
    """
    import django
    from django.core.exceptions import ImproperlyConfigured

    guard.install()
    try:
        if before_apps is not None:
            before_apps()
        django.setup()
    except ImproperlyConfigured as error:
        raise ProjectError(f"The project's settings cannot be used: {error}") from error
    except ModuleNotFoundError as error:
        named = os.environ[project_settings.VARIABLE]
        if error.name is not None and (named == error.name or named.startswith(error.name + ".")):
            raise ProjectError(
                f"The settings module {named!r} cannot be imported: {error}.",
                "Run this command in the folder that contains manage.py, or correct the name.",
            ) from error
        raise _refused() from error
    except Exception as error:
        raise _refused() from error


def _refused() -> ProjectCodeError:
    return ProjectCodeError("The project cannot be loaded; the reason is printed above.", SEE_CHECK)
