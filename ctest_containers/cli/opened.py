"""What `open` does with the databases of a failure, except for their own shells."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ctest_containers.cli.services import say
from ctest_containers.errors import ProjectError
from ctest_containers.exit_codes import ExitCode

if TYPE_CHECKING:
    from ctest_containers.opening.databases import Databases, OpenDatabases


def django_shell() -> list[str]:
    """Return the command of `manage.py shell`, or of the same without a manage.py."""
    script = ["manage.py"] if Path("manage.py").is_file() else ["-m", "django"]
    return [sys.executable, *script, "shell"]


def run(
    command: Sequence[str], databases: Databases, before: Mapping[str, str], settings: str
) -> int:
    """Run a command whose databases are redirected, and return its exit code.

    Args:
        before: The environment of the command, without the databases.
        settings: The project's settings module; if it is empty, that of the environment or of
            manage.py.
    """
    from ctest_containers.opening.redirection import variables
    from ctest_containers.project.settings import VARIABLE, find_settings
    from ctest_containers.service.command import run_command, trouble_with
    from ctest_containers.service.variables import environment

    if (trouble := trouble_with(command[0], before)) is not None:
        code, sentence = trouble
        say(sentence)
        return code
    leases = {alias: database.lease for alias, database in databases.items()}
    redirected = environment(before, leases)
    if not settings:
        # A command that does not use Django needs none.
        with suppress(ProjectError):
            find_settings(Path.cwd())
            settings = os.environ[VARIABLE]
    if settings:
        redirected |= variables(settings, leases)
    return run_command(command, redirected)


def publish(databases: Databases) -> int:
    """Print the addresses of databases, and wait for Ctrl-C."""
    from ctest_containers.backends.clients import database_url

    say("")
    width = max(map(len, databases))
    for alias, database in databases.items():
        print(f"{alias:<{width}}  {database_url(database.lease)}")
    sys.stdout.flush()
    try:
        say("Press Ctrl-C to remove what was started.")
        signal.pause()
    except KeyboardInterrupt:
        say("")
    return ExitCode.PASSED


def show_differences(databases: OpenDatabases) -> int:
    """Print which rows differ from the templates."""
    from ctest_containers.opening.differences import differences
    from ctest_containers.report.failures import print_difference

    say("")
    differing = [(alias, each) for alias, each in differences(databases) if each]
    for alias, difference in differing:
        print_difference(alias if len(databases.failed) > 1 else "", difference)
    if not differing:
        print("No rows differ.")
    return ExitCode.PASSED
