"""`exec`: runs any command with migrated databases of its own, and cleans up after it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import dedent

from ctest_containers.cli.parsing import Parser
from ctest_containers.cli.service import (
    DEFAULT,
    VARIABLES,
    add_project_options,
    found,
    load,
    report,
    say,
    seconds,
)
from ctest_containers.errors import CtestError, UsageError
from ctest_containers.model import FOR_ANY_PROGRAM, Lease


def execute(arguments: Sequence[str]) -> int:
    """Run a command with databases of its own, and give its exit code."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    made = parser()
    if at == len(words):
        _, rest = made.parse_known_args(words)
        raise UsageError(
            "exec needs a command after two dashes.",
            f"Such as: python -m ctest_containers exec -- {' '.join(rest) or 'npm run e2e'}",
        )
    options, command = made.parse_args(words[:at]), words[at + 1 :]
    if not command:
        raise UsageError("There is no command after the two dashes.", "See exec --help.")
    from ctest_containers.service.command import run_command, trouble_with
    from ctest_containers.service.variables import environment

    # Loading the project changes the environment, which is not the command's business.
    before = dict(os.environ)
    if (trouble := trouble_with(command[0], before)) is not None:
        code, sentence = trouble
        say(sentence)
        return code
    if options.service is not None:
        if options.databases:
            raise UsageError("A service's databases are chosen by service up --databases.")
        with _leased(options) as (leases, more):
            return run_command(command, {**environment(before, leases), **more})
    with _spawned(options) as leases:
        return run_command(command, environment(before, leases))


def parser() -> argparse.ArgumentParser:
    """What the command line may have before the two dashes."""
    made = Parser(
        prog="python -m ctest_containers exec",
        usage="%(prog)s [options] -- COMMAND …",
        description=(
            "Runs a command with migrated databases of its own, which it finds through the\n"
            "variables below, and removes them when it has ended."
        ),
        epilog=VARIABLES
        + dedent("""
            examples:
              … exec -- npm run e2e
              … exec -- python manage.py runserver --noreload
              … exec -- psql -c 'SELECT count(*) FROM django_migrations'
              … exec --service -- pytest      with a slot of a service that is up

            The exit code is the command's: 128 and the number of a signal that has ended
            it, 127 if it is not found.
            """),
    )
    made.add_argument(
        "--service",
        nargs="?",
        const=DEFAULT,
        metavar="NAME",
        help="lease a slot of a service that is up, and give it back, instead of starting servers",
    )
    made.add_argument(
        "--wait",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="with --service: how long to wait for a free slot (default: 0)",
    )
    made.add_argument("--project", help="whose; by default the current folder's name")
    add_project_options(made)
    return made


@contextmanager
def _spawned(options: argparse.Namespace) -> Iterator[Mapping[str, Lease]]:
    """Databases that are there as long as the block."""
    config = load(options)
    from ctest_containers.isolated import Template

    with (
        Template.of(config, options.databases, report) as template,
        template.spawn() as server,
    ):
        addresses = [one.address for one in server.leases.values() if one.address is not None]
        if config.transport == FOR_ANY_PROGRAM and any(one.socket for one in addresses):
            say(
                "The engine cannot publish ports, so the databases are reached through a Unix "
                "socket."
            )
        wanted = options.databases or list(server.leases)
        yield {alias: server.leases[alias] for alias in wanted}


@contextmanager
def _leased(
    options: argparse.Namespace,
) -> Iterator[tuple[Mapping[str, Lease], Mapping[str, str]]]:
    """A service's slot, and its own variables, as long as the block."""
    from ctest_containers.service import give_back, take

    options.name = options.service
    file = found(options)
    slot = take(file, holder=os.getpid(), wait_seconds=options.wait)
    try:
        yield slot.leases(), {"CTEST_SERVICE": file.name, "CTEST_SLOT": str(slot.number)}
    finally:
        try:
            give_back(file, slot.number, slot.lease)
        except CtestError as error:
            # The exit code is the command's; whoever wants the slot next makes it anew.
            say(str(error))
