"""`service logs`: what the servers have logged."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.option_types import count
from ctest_containers.cli.services import chosen_service, service_parser
from ctest_containers.errors import CtestError, EngineUnreachableError, UsageError
from ctest_containers.exit_codes import ExitCode


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = service_parser("logs", description="Prints the servers' logs.")
    parser.add_argument("--slot", type=count, help="the number of the slot (default: all slots)")
    return parser


def logs(arguments: Sequence[str]) -> int:
    """Print the log of each server.

    Raises:
        UsageError: There is no such slot.
    """
    options = make_parser().parse_args(arguments)
    from ctest_containers.engine import Container
    from ctest_containers.engine.docker import DockerEngine

    service = chosen_service(options).existing()
    slots = [slot for slot in service.slots if options.slot in {None, slot.number}]
    if not slots:
        raise UsageError(
            f"The service {service.name!r} has no slot {options.slot}.",
            f"Its slots: {', '.join(str(slot.number) for slot in service.slots)}.",
        )
    servers = [(slot, server) for slot in slots for server in slot.servers]
    if not servers:
        print("SQLite databases have no server, and so no logs.")
        return ExitCode.PASSED
    engine = DockerEngine()
    for slot, server in servers:
        print(f"--- slot {slot.number}, {server.group}: {server.container}")
        try:
            print(engine.log(Container(id=server.container, name=server.container)), end="")
        except EngineUnreachableError:
            raise
        except CtestError as error:
            print(f"Its log is no longer available. {error.message}")
    return ExitCode.PASSED


COMMAND: Final = Command(handle=logs, make_parser=make_parser)
