"""`exec`: runs any command with migrated databases of its own, and cleans up after it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import dedent
from typing import Final

from ctest_containers.cli.addresses import variables
from ctest_containers.cli.command import Command
from ctest_containers.cli.isolated_databases import (
    add_database_options,
    load_configuration,
    print_event,
)
from ctest_containers.cli.option_types import seconds
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.cli.services import DEFAULT_NAME, chosen_service, say
from ctest_containers.errors import CtestError, UsageError
from ctest_containers.model import FOR_ANY_PROGRAM, Lease


def execute(arguments: Sequence[str]) -> int:
    """Run a command with databases of its own, and return its exit code."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    parser = make_parser()
    if at == len(words):
        _, rest = parser.parse_known_args(words)
        raise UsageError(
            "exec needs a command after --.",
            f"For example: {PROGRAM} exec -- {' '.join(rest) or 'npm run e2e'}",
        )
    options, command = parser.parse_args(words[:at]), words[at + 1 :]
    if not command:
        raise UsageError("exec needs a command after --.", "See exec --help.")
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
            raise UsageError(
                "--databases cannot be used with --service: select the databases with service up "
                "--databases."
            )
        with _leased(options) as (leases, more):
            return run_command(command, {**environment(before, leases), **more})
    with _spawned(options) as leases:
        return run_command(command, environment(before, leases))


def make_parser() -> argparse.ArgumentParser:
    """The parser of what stands before the two dashes."""
    parser = Parser(
        prog=f"{PROGRAM} exec",
        usage="%(prog)s [options] -- COMMAND …",
        description=(
            "Runs a command with its own migrated databases, and removes them when the\n"
            "command ends. The variables below tell the command where the databases are."
        ),
        epilog=variables()
        + dedent("""
            examples:
              … exec -- npm run e2e
              … exec -- python manage.py runserver --noreload
              … exec -- psql -c 'SELECT count(*) FROM django_migrations'
              … exec --service -- pytest      with a slot of a running service

            The exit code is the command's: 128 plus the number of the signal that ended
            it, 127 if it is not found.
            """),
    )
    parser.add_argument(
        "--service",
        nargs="?",
        const=DEFAULT_NAME,
        metavar="NAME",
        help="lease a slot of a running service instead of starting servers",
    )
    parser.add_argument(
        "--wait",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="with --service: how long to wait for a free slot (default: 0)",
    )
    parser.add_argument("--project", help="the project's name (default: the current folder's)")
    add_database_options(parser)
    return parser


@contextmanager
def _spawned(options: argparse.Namespace) -> Iterator[Mapping[str, Lease]]:
    """Databases that exist for as long as the block."""
    config = load_configuration(options)
    from ctest_containers.isolated import Template

    with (
        Template.of(config, options.databases, print_event) as template,
        template.spawn() as server,
    ):
        addresses = [lease.address for lease in server.leases.values() if lease.address]
        if config.transport == FOR_ANY_PROGRAM and any(address.socket for address in addresses):
            say(
                "The engine cannot publish ports, so the databases are reached through a Unix "
                "socket."
            )
        aliases = options.databases or list(server.leases)
        yield {alias: server.leases[alias] for alias in aliases}


@contextmanager
def _leased(
    options: argparse.Namespace,
) -> Iterator[tuple[Mapping[str, Lease], Mapping[str, str]]]:
    """A service's slot, and its own variables, for as long as the block."""
    from ctest_containers.service import give_back, take

    options.name = options.service
    file = chosen_service(options)
    slot = take(file, holder=os.getpid(), wait_seconds=options.wait)
    try:
        yield slot.leases(), {"CTEST_SERVICE": file.name, "CTEST_SLOT": str(slot.number)}
    finally:
        try:
            give_back(file, slot.number, slot.lease)
        except CtestError as error:
            # The exit code is that of the command; the slot is recreated before its next lease.
            say(str(error))


COMMAND: Final = Command(handle=execute, make_parser=make_parser)
