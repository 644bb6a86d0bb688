"""`doctor`: what would keep the tests from running here, or from being isolated, and the fix."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.loading import ProjectCodeError, find_project, load_project
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.doctor.finding import Area, Finding, error, ok
from ctest_containers.errors import CtestError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.project.settings import VARIABLE
from ctest_containers.project.source_location import place_of_problem

if TYPE_CHECKING:
    from ctest_containers.config import Config
    from ctest_containers.doctor.context import Project

COLUMNS: Final = 80
"""The width where there is no terminal."""

MOST_COLUMNS: Final = 100
"""Longer lines are hard to read."""

STYLES: Final = {
    "ok": "green",
    "note": "cyan",
    "warning": "yellow",
    "error": "bold red",
    "area": "bold",
    "verdict": "bold",
}

AS_COMMAND: Final = ProjectCommand(name="doctor")
"""Reads the options and loads the project as `run` does."""

PACKAGE: Final = str(Path(__file__).resolve().parents[2])


def doctor(arguments: Sequence[str]) -> int:
    """Check the machine, the engine and the project, and print the findings.

    Returns 0 if tests can run, and 1 if they cannot.
    """
    options, _ = make_own_parser().parse_known_args(arguments)
    # Checks take a while to load; help does not wait for them.
    from ctest_containers.doctor import show
    from ctest_containers.doctor.checks import has_errors, run_checks
    from ctest_containers.doctor.collect import collect

    words = [word for word in arguments if word != "--json"]
    project: Project | None = None
    findings: list[Finding] = []
    # What a project prints while it is loaded is not a finding.
    with redirect_stdout(sys.stderr):
        try:
            parsing = _load(words)
        except CtestError as problem:
            findings.append(_about_the_project(problem))
        else:
            findings.append(ok(Area.PROJECT, f"The settings {os.environ[VARIABLE]} can be loaded."))
            # Words that mean nothing are refused, as in every command.
            given = vars(parsing.parse_args(words))
            try:
                project = _discover(given)
            except CtestError as problem:
                findings.append(_about_the_project(problem))
        config = _without_project(options.project, findings) if project is None else project.config
        findings += run_checks(collect(Path.cwd(), config, project))
    findings.sort(key=lambda finding: list(Area).index(finding.area))
    if options.json:
        print(json.dumps(show.as_json(findings), indent=1))
    else:
        _print(findings)
    return ExitCode.FAILED if has_errors(findings) else ExitCode.PASSED


def make_own_parser() -> argparse.ArgumentParser:
    """The parser of the flags that `run` does not have, and of help, which loads no project."""
    parser = Parser(
        prog=f"{PROGRAM} doctor",
        usage="%(prog)s [options] [test_label ...]",
        description=(
            "Finds what would prevent tests from running here or from being isolated, and\n"
            "shows how to fix it. Changes nothing and starts no container.\n"
            "\n"
            "Also takes test labels and every option of run. The exit code is 1 if tests\n"
            "can't run."
        ),
        examples=(
            ("doctor", "Check everything."),
            (
                "doctor --postgresql-image postgres:16 shop",
                "Check whether these tests would run on this image.",
            ),
            ("doctor --json", "Print the findings as JSON."),
        ),
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--settings", help="the settings module (default: the one in manage.py)")
    parser.add_argument("--pythonpath", help="a folder to import modules from")
    parser.add_argument("--project", help="the project's name (default: the current folder's)")
    return parser


def make_parser() -> argparse.ArgumentParser:
    """The parser with the flags of `run` as well."""
    return argparse.ArgumentParser(
        parents=[AS_COMMAND.make_parser(), make_own_parser()],
        add_help=False,
        conflict_handler="resolve",
    )


def _load(words: Sequence[str]) -> argparse.ArgumentParser:
    """Load the project in the current folder, and give what reads the options of `run`.

    Raises:
        CtestError: It cannot be found or loaded.
    """
    find_project(words, Path.cwd())
    with _project_code():
        load_project()
        return AS_COMMAND.make_project_parser(words)


def _discover(given: dict[str, Any]) -> Project:
    """The loaded project, with its tests.

    Raises:
        CtestError: It cannot be used.
    """
    from ctest_containers.config import Config

    # These load Django, and must not before the project's settings are found.
    from ctest_containers.doctor.discovery import configuration, discover
    from ctest_containers.runner import ProjectTestRunner

    labels = given.pop("args")
    config = configuration({row.name: given.get(row.name) for row in fields(Config)})
    with _project_code():
        runner = ProjectTestRunner(**{**given, "verbosity": 0})
        return discover(runner, labels, config)


@contextmanager
def _project_code() -> Iterator[None]:
    """Turn whatever the project's own code raises, exits included, into a finding."""
    try:
        yield
    except CtestError:
        raise
    except (Exception, SystemExit) as problem:
        raise ProjectCodeError("The project cannot be used.") from problem


def _about_the_project(problem: CtestError) -> Finding:
    cause = problem.__cause__
    if not isinstance(problem, ProjectCodeError) or cause is None:
        return error(Area.PROJECT, problem.message, problem.hint or "Correct the settings.")
    last = (traceback.format_exception_only(cause) or [""])[-1].strip()
    file, line = place_of_problem(cause.__traceback__, None, Path.cwd())
    where = f" ({file}, line {line})" if file and not file.startswith(PACKAGE) else ""
    return error(
        Area.PROJECT,
        f"The project cannot be loaded: {last}{where}",
        "Fix the error; `python manage.py check` shows the full traceback.",
    )


def _without_project(name: str | None, findings: list[Finding]) -> Config:
    """What is configured outside of the project's settings."""
    from ctest_containers.config import Config, resolve

    try:
        return resolve(settings={}, environment=os.environ, options={"project": name})
    except CtestError as problem:
        if problem.message not in {finding.what for finding in findings}:
            findings.append(
                error(Area.OPTIONS, problem.message, problem.hint or "Correct the configuration.")
            )
        return Config()


def _print(findings: Sequence[Finding]) -> None:
    from ctest_containers.doctor import show

    if hasattr(sys.stdout, "reconfigure"):
        # A finding is not lost for a name that the terminal cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    on_terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size((COLUMNS, 24)).columns if on_terminal else COLUMNS
    lines = show.lines(findings, min(columns, MOST_COLUMNS))
    if not on_terminal or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        for beginning, text, _ in lines:
            print(f"{beginning}{text}")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for beginning, text, kind in lines:
        style = STYLES.get(kind, "")
        if kind in {"area", "verdict", "fix"}:
            console.print(Text(beginning) + Text(text, style=style))
        else:
            console.print(Text(beginning, style=style) + Text(text))


COMMAND: Final = Command(handle=doctor, make_parser=make_parser)
