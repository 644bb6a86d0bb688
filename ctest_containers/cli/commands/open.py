"""`open`: the databases of a failed test as they were then, for a person or a program."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.kept_failures import chosen_failure
from ctest_containers.cli.opened import django_shell, publish, run, show_differences
from ctest_containers.cli.option_types import port
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.cli.services import say
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.model import FOR_ANY_PROGRAM, Transport
from ctest_containers.servers.standby import STANDBY
from ctest_containers.storage import cache_folder
from ctest_containers.supply.earlier_runs import start_ahead

if TYPE_CHECKING:
    from ctest_containers.config import Config
    from ctest_containers.failures.store import Stored
    from ctest_containers.opening.databases import OpenDatabases

WAYS: Final = (
    ("", "the database's own client, at a terminal"),
    (" --shell", "manage.py shell"),
    (" --port", "an address for a graphical client"),
    (" --diff", "the rows that differ from the template"),
    (" -- COMMAND …", "any command"),
)
"""How to go on, by what is typed after the test, and what that opens."""


CHOICES: Final = frozenset({"--shell", "--port", "--diff", "--"})
"""The words that choose what is opened; `--port=N` only loses the head start."""


def make_parser() -> argparse.ArgumentParser:
    """The parser of what stands before the two dashes."""
    from ctest_containers.cli.isolated_databases import add_template_options

    parser = Parser(
        prog=f"{PROGRAM} open",
        usage="%(prog)s [options] [TEST | FILE] [-- COMMAND …]",
        description=(
            "Starts servers with the databases of a failed test, as they were at that moment,\n"
            "shows the traceback, and opens the database's client. What you change there is\n"
            "discarded at the end: the kept databases never change."
        ),
        examples=(
            ("open", "Open the last failure in psql, mariadb, mysql or sqlite3."),
            ("open CartTests.test_total --shell", "Run manage.py shell on its databases."),
            ("open CartTests --diff", "Show which rows the test added, changed or removed."),
            ("open --port", "Print an address for a graphical client, until Ctrl-C."),
            ("open -- ./manage.py runserver", "Run any command on its databases."),
            ("open cart.ctest-failure", "Open a file that --keep-failed-dir wrote in CI."),
        ),
    )
    parser.add_argument(
        "test",
        nargs="?",
        default="",
        metavar="TEST",
        help="a test, or the beginning of its name or of its last parts; or a file of "
        "--keep-failed-dir (default: the last failure)",
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--shell", action="store_true", help="run manage.py shell")
    ways.add_argument(
        "--port",
        type=port,
        nargs="?",
        const=0,
        metavar="N",
        help="print an address for a graphical client, on port N or any, until Ctrl-C",
    )
    ways.add_argument(
        "--diff",
        action="store_true",
        help="show the rows that the test and its fixtures added, changed or removed",
    )
    parser.add_argument("--database", metavar="ALIAS", help="the database (default: default)")
    parser.add_argument("--project", help="the project's name (default: the current folder's)")
    add_template_options(parser)
    return parser


def open_failure(arguments: Sequence[str]) -> int:
    """Open a failure in the way that the options choose, and return an exit code."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    # Loading the project changes the environment, which is not the command's business.
    before = dict(os.environ)
    is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
    with ExitStack() as undo:
        if is_interactive or any(word in CHOICES for word in words):
            # Its libraries are loaded while the failure is found and shown.
            undo.callback(STANDBY.end)
            start_ahead(cache_folder(), Path.cwd())
        options, command = make_parser().parse_args(words[:at]), words[at + 1 :]
        if at < len(words):
            _check_command(options, command)
        stored = chosen_failure(options.project, options.test, undo)
        alias = _alias(options.database, stored)
        has_choice = bool(options.shell or options.diff or command) or options.port is not None
        if not (has_choice or is_interactive):
            _introduce(stored, stderr=False)
            _print_ways(options.test or stored.failure.test_id)
            return ExitCode.PASSED
        if any(databases.plan.has_server for databases in stored.failure.databases):
            STANDBY.start()
        _check_port(options.port)
        config = _configuration(options, command)
        _introduce(stored, stderr=True)
        with _ended_by_signals(), _opened(stored, config, options, alias, command) as databases:
            if command or options.shell:
                settings = options.settings or stored.failure.settings
                return run(command or django_shell(), databases.failed, before, settings)
            if options.port is not None:
                return publish(databases.failed)
            if options.diff:
                return show_differences(databases)
            from ctest_containers.cli.database_client import run_client

            say(f"\nThe database {alias!r} as it was then. Ctrl-D discards your changes.")
            return run_client(databases.failed[alias])


def _check_command(options: argparse.Namespace, command: Sequence[str]) -> None:
    if not command:
        raise UsageError("open needs a command after --.", "See open --help.")
    chosen = [name for name in ("shell", "diff") if getattr(options, name)]
    chosen += ["port"] if options.port is not None else []
    if chosen:
        raise UsageError(f"--{chosen[0]} cannot be used with a command after --.")


def _check_port(number: int | None) -> None:
    """Refuse a port that is in use, before anything is started."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number or 0))
        except OSError as error:
            raise UsageError(
                f"Port {number} cannot be used: {error.strerror}.",
                "Choose another one, or leave out the number to use any free port.",
            ) from error


def _alias(named: str | None, stored: Stored) -> str:
    aliases = [alias for databases in stored.failure.databases for alias in databases.plan.aliases]
    if not aliases:
        raise UsageError(f"The failure {stored.failure.name} has no databases.")
    if named is None:
        return "default" if "default" in aliases else aliases[0]
    if named not in aliases:
        raise UsageError(
            f"The failure has no database {named!r}.", f"Its databases are: {', '.join(aliases)}."
        )
    return named


def _configuration(options: argparse.Namespace, command: Sequence[str]) -> Config:
    """What is configured without the project, with the transport that suits what is opened."""
    from ctest_containers.cli.isolated_databases import ROWS
    from ctest_containers.config import resolve

    given = {name: getattr(options, name) for name in ROWS}
    config = resolve(settings={}, environment=os.environ, options=given)
    if options.port is not None:
        return replace(config, transport=Transport.PORT.value)
    if command and config.transport == "auto":
        return replace(config, transport=FOR_ANY_PROGRAM)
    return config


@contextmanager
def _opened(
    stored: Stored,
    config: Config,
    options: argparse.Namespace,
    alias: str,
    command: Sequence[str],
) -> Iterator[OpenDatabases]:
    from ctest_containers.cli.current_templates import build_templates
    from ctest_containers.cli.isolated_databases import load_configuration, print_event
    from ctest_containers.opening.databases import opened
    from ctest_containers.opening.origins import BuiltTemplate

    def build(aliases: Sequence[str]) -> Mapping[str, BuiltTemplate]:
        names = ", ".join(aliases)
        say(f"The template of {names} is not on this machine, so it is pulled or built first.")
        return build_templates(load_configuration(options), print_event, aliases)

    def load_client() -> None:
        if not (command or options.shell or options.diff or options.port is not None):
            import_module("ctest_containers.engine.terminal")

    with opened(
        stored,
        config,
        build,
        ports={alias: options.port} if options.port else {},
        with_template=options.diff,
        meanwhile=load_client,
    ) as databases:
        yield databases


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, with the exit code of a shell."""

    def end(number: int, frame: object) -> None:
        del frame
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _introduce(stored: Stored, *, stderr: bool) -> None:
    from ctest_containers.report.failures import lines_of, print_lines

    print_lines(lines_of(stored.failure), stderr=stderr)


def _print_ways(test: str) -> None:
    width = max(len(typed) for typed, _ in WAYS)
    print(f"\nOpen it with: {PROGRAM} open {test}")
    for typed, meaning in WAYS:
        print(f"  …{typed:<{width}}  {meaning}")


COMMAND: Final = Command(handle=open_failure, make_parser=make_parser)
