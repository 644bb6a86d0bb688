"""`service`: migrated databases that stay, for programs of any language."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import traceback
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ctest_containers.backends import BACKENDS, VENDORS
from ctest_containers.cli.loading import ProjectCodeError, find_project, load_project
from ctest_containers.cli.parsing import Parser
from ctest_containers.config import Config, project_meant
from ctest_containers.config.option import flag
from ctest_containers.config.sections.templates import image_field
from ctest_containers.config.values import parse_count, parse_flag, parse_seconds
from ctest_containers.errors import CtestError, EngineUnreachableError, UsageError
from ctest_containers.events import Event, TemplateFound
from ctest_containers.exit_codes import ExitCode
from ctest_containers.model import FOR_ANY_PROGRAM
from ctest_containers.report.messages import words

if TYPE_CHECKING:
    from ctest_containers.service import ServiceFile, Slot

DEFAULT: Final = "default"
"""What a service is called that nobody names."""

ROWS: Final = (
    *("project", *map(image_field, BACKENDS), "images", "registry", "verify_templates"),
    *("transport", "fingerprint_files", "server_memory", "server_settings", "server_timeout"),
    *("build", "build_timeout", "database_role"),
)
"""The options of `run` that matter where databases are made and no tests are run."""

VARIABLES: Final = """
variables:
  DATABASE_URL                  the database "default"
  <ALIAS>_DATABASE_URL          another one
<clients>
  CTEST_SERVICE CTEST_SLOT      the service, and the slot's number
  CTEST_<n>_<variable>          with several slots: those of slot n; without
                                the prefix they are those of the first one
Those that would be empty are left out. Settings that do not read DATABASE_URL
can be given the others: "HOST": os.environ["PGHOST"], and so on.
"""


def service(arguments: Sequence[str]) -> int:
    """Carry out one of the commands about services."""
    options = parser().parse_args(arguments)
    return int(options.act(options))


def parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    made = Parser(
        prog="python -m ctest_containers service",
        description="Migrated, isolated databases that stay until they are taken down.",
        examples=[
            ("service up --slots 2 --env-file .env.test", "Then: docker compose --env-file …"),
            ("service up --github-env", "In a step of GitHub Actions."),
            ("service lease --wait 60 --env-file .env.job", "One slot, for a parallel job."),
            ("service down", "Remove everything of it."),
        ],
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")

    up = _command(commands, "up", "start slots, each with every database, or complete what is up")
    up.add_argument("--slots", type=_count, default=1, help="how many (default: 1)")
    add_project_options(up)
    _add_outputs(up)
    up.set_defaults(act=_up)

    status = _command(commands, "status", "what is up, and who has it")
    status.description = (
        "Tells of each slot whether it is up, what it was made from and who has leased it.\n"
        "The exit code is 1 if something is not up that should be."
    )
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(act=_status)

    logs = _command(commands, "logs", "what the servers have written")
    logs.add_argument("--slot", type=_count, help="only this one's")
    logs.set_defaults(act=_logs)

    lease = _command(commands, "lease", "take a free slot, and print its addresses")
    lease.add_argument(
        "--wait",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for a free one (default: 0)",
    )
    lease.add_argument(
        "--for",
        dest="holder",
        type=_count,
        metavar="PID",
        help="a process with which the lease ends, however it dies; by default it lasts until it "
        "is given back with release",
    )
    _add_outputs(lease)
    lease.set_defaults(act=_lease)

    release = _command(commands, "release", "give a slot back; it is made anew before it is leased")
    release.add_argument("slot", type=_count, help="its number, which is in CTEST_SLOT")
    release.set_defaults(act=_release)

    down = _command(commands, "down", "remove containers, folders and files")
    down.add_argument("--all", action="store_true", help="of every service of every project")
    down.set_defaults(act=_down)
    return made


def add_project_options(made: argparse.ArgumentParser) -> None:
    """Add the options of commands that load the project and make databases."""
    made.add_argument("--settings", metavar="MODULE", help="the settings; by default manage.py's")
    made.add_argument("--pythonpath", metavar="FOLDER", help="a folder to import from")
    made.add_argument(
        "--databases",
        type=_names,
        metavar="ALIAS,…",
        help="which databases of the settings; by default all of them",
    )
    for row in fields(Config):
        if row.name not in ROWS or row.name == "project":
            continue
        meaning = row.metadata["meaning"]
        if row.name == "transport":
            meaning = (
                "How servers are reached: port (loopback, with a random password; by default), "
                "socket (a Unix socket that only you can open) or network (from one container to "
                "another)."
            )
        if row.metadata["parse"] is parse_flag:
            switch = argparse.BooleanOptionalAction
            made.add_argument(flag(row), dest=row.name, default=None, action=switch, help=meaning)
        else:
            made.add_argument(
                flag(row), dest=row.name, metavar=row.metadata["metavar"], help=meaning
            )


def load(options: argparse.Namespace) -> Config:
    """Load the project in the current folder, and give what applies to it.

    Raises:
        CtestError: It cannot be loaded, or an option is not valid.
    """
    arguments = [f"--settings={options.settings}"] if options.settings else []
    arguments += [f"--pythonpath={options.pythonpath}"] if options.pythonpath else []
    find_project(arguments, Path.cwd())
    try:
        load_project()
    except ProjectCodeError as error:
        # Shows where the project's own code failed.
        traceback.print_exception(error.__cause__)
        raise
    from ctest_containers.backends.environment import set_aside_variables
    from ctest_containers.isolated import configuration

    # The settings have read what they want of it.
    set_aside_variables()
    config = configuration({name: getattr(options, name) for name in ROWS})
    return replace(config, transport=FOR_ANY_PROGRAM) if config.transport == "auto" else config


def say(line: str) -> None:
    """Tell a person something; the standard output is for what programs read."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def report(event: Event) -> None:
    """Tell a person what takes its time."""
    if not isinstance(event, TemplateFound):
        for level, text in words(event):
            if level >= logging.INFO:
                say(text)


def found(options: argparse.Namespace) -> ServiceFile:
    """The service that is meant in the current folder."""
    from ctest_containers.backends.environment import set_aside_variables
    from ctest_containers.service import find_service

    set_aside_variables()
    return find_service(_project(options), options.name, Path.cwd())


def _project(options: argparse.Namespace) -> str:
    return project_meant(options.project)


def _up(options: argparse.Namespace) -> int:
    _check_outputs(options)
    folder = Path.cwd()
    config = load(options)
    from ctest_containers.isolated import known_aliases, supply_of
    from ctest_containers.service import bring_up, recipe_of, service_file

    aliases = known_aliases(options.databases)
    supply = supply_of(config, report)
    try:
        file = service_file(supply.project, options.name)
        recipe = recipe_of(supply, config, aliases)
    finally:
        supply.close()
    up = bring_up(
        file,
        project=supply.project,
        recipe=recipe,
        count=options.slots,
        folder=folder,
        say=say,
    )
    _put_out(options, file, [slot for slot in up.slots if slot.number <= up.count])
    return ExitCode.PASSED


def _lease(options: argparse.Namespace) -> int:
    _check_outputs(options)
    from ctest_containers.service import give_back, take

    file = found(options)
    slot = take(file, holder=options.holder, wait_seconds=options.wait)
    try:
        _put_out(options, file, [slot])
    except BaseException:
        # Nobody knows of it.
        give_back(file, slot.number, slot.lease)
        raise
    return ExitCode.PASSED


def _release(options: argparse.Namespace) -> int:
    from ctest_containers.service import give_back

    give_back(found(options), options.slot)
    say(f"The slot {options.slot} was given back.")
    return ExitCode.PASSED


def _down(options: argparse.Namespace) -> int:
    from ctest_containers.service import services, take_down

    removed = 0
    for file in services() if options.all else [found(options)]:
        for thing in take_down(file):
            print(f"removed {thing}")
            removed += 1
    if not removed:
        print("Nothing is up.")
        others = [] if options.all else services(found(options).path.parent.name)
        for other in others:
            print(f"A service {other.name!r} is: service down --name {other.name}, or --all.")
    return ExitCode.PASSED


def _status(options: argparse.Namespace) -> int:
    from ctest_containers.service.status import as_lines, look_at

    seen = look_at(found(options).existing())
    if options.json:
        print(json.dumps(seen.as_json(), indent=2))
    else:
        for line in as_lines(seen):
            print(line)
    return ExitCode.PASSED if seen.is_up else ExitCode.FAILED


def _logs(options: argparse.Namespace) -> int:
    from ctest_containers.engine import Container
    from ctest_containers.engine.docker import DockerEngine

    service = found(options).existing()
    slots = [one for one in service.slots if options.slot in {None, one.number}]
    if not slots:
        raise UsageError(
            f"The service {service.name!r} has no slot {options.slot}.",
            f"Its slots: {', '.join(str(one.number) for one in service.slots)}.",
        )
    servers = [(slot, server) for slot in slots for server in slot.servers]
    if not servers:
        print("Its databases are SQLite's, which has no servers.")
        return ExitCode.PASSED
    engine = DockerEngine()
    for slot, server in servers:
        print(f"--- slot {slot.number}, {server.group}: {server.container}")
        try:
            print(engine.log(Container(id=server.container, name=server.container)), end="")
        except EngineUnreachableError:
            raise
        except CtestError as error:
            print(f"It has no log any more. {error.message}")
    return ExitCode.PASSED


def _check_outputs(options: argparse.Namespace) -> None:
    """Find out before anything is started whether its addresses can be handed over."""
    if options.github_env:
        from ctest_containers.service.github_env import github_files

        github_files()
    if options.env_file is not None and options.env_file.is_dir():
        raise UsageError(f"{options.env_file} is a folder.", "Name a file with --env-file.")


def _put_out(options: argparse.Namespace, file: ServiceFile, slots: Sequence[Slot]) -> None:
    """Hand the addresses over in the ways that were asked for."""
    from ctest_containers.service.addresses import as_json, as_table, passwords_of
    from ctest_containers.service.env_file import write_env_file
    from ctest_containers.service.github_env import append_variables, github_files, masks
    from ctest_containers.service.variables import of_service

    if options.github_env:
        # Before anything else could show one.
        for line in masks(passwords_of(slots)):
            print(line, flush=True)
    if options.env_file is not None:
        write_env_file(options.env_file, of_service(file.name, slots))
    if options.github_env:
        append_variables(github_files(), of_service(file.name, slots))
    if options.json:
        print(json.dumps(as_json(file.existing(), slots), indent=2))
        return
    elsewhere = options.github_env or options.env_file is not None
    for line in as_table(slots, passwords=not elsewhere):
        print(line)


def _command(commands: Any, name: str, meaning: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=meaning,
        usage="%(prog)s [options]" + (" SLOT" if name == "release" else ""),
        description=meaning[0].upper() + meaning[1:] + ".",
    )
    made.add_argument(
        "--name", default=DEFAULT, help=f"which service is meant (default: {DEFAULT})"
    )
    made.add_argument("--project", help="whose; by default the current folder's name")
    return made


def _add_outputs(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("what is done with the addresses, besides printing a table")
    group.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="write variables into a file that shells, docker compose and dotenv read",
    )
    # What is printed for GitHub is no JSON.
    printed = group.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print JSON instead")
    printed.add_argument(
        "--github-env",
        action="store_true",
        help="hand the variables to the later steps of a job on GitHub Actions, as environment and "
        "as outputs of this step",
    )
    made.epilog = VARIABLES.replace("<clients>", _variables_of_clients())


def _variables_of_clients() -> str:
    """For each vendor whose clients read variables, what these are and which database they name."""
    lines = []
    meaning = "for {0}'s clients: \"default\", or the\n{1}first database that is {0}'s"
    for vendor in VENDORS.values():
        if names := " ".join(vendor.clients.variables.values()):
            lines.append(f"  {names}\n{' ' * 32}{meaning.format(vendor.title, ' ' * 32)}")
            meaning = "the same for {0}"
    return "\n".join(lines)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _count(text: str) -> int:
    return int(_parsed(parse_count, text))


def seconds(text: str) -> float:
    """What an option may have that is a time."""
    return 0.0 if text == "0" else float(_parsed(parse_seconds, text))


def _parsed(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error
