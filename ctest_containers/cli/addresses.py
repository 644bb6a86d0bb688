"""Hands the addresses of a service's slots to a person, a file or GitHub."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctest_containers.backends import VENDORS
from ctest_containers.errors import UsageError

if TYPE_CHECKING:
    from ctest_containers.service import ServiceFile, Slot

VARIABLES: Final = """
variables:
  DATABASE_URL                  the database "default"
  <ALIAS>_DATABASE_URL          another database
<clients>
  CTEST_SERVICE CTEST_SLOT      the service, and the slot's number
  CTEST_<n>_<variable>          with several slots: those of slot n; without
                                the prefix, those of the first slot
Empty variables are omitted. If your settings do not read DATABASE_URL, read the
others in them: "HOST": os.environ["PGHOST"], and so on.
"""


def variables() -> str:
    """The part of help that lists the variables."""
    lines = []
    meaning = 'for {0}\'s clients: "default", or else\n{1}the first database on {0}'
    for vendor in VENDORS.values():
        if names := " ".join(vendor.clients.variables.values()):
            lines.append(f"  {names}\n{' ' * 32}{meaning.format(vendor.title, ' ' * 32)}")
            meaning = "the same for {0}"
    return VARIABLES.replace("<clients>", "\n".join(lines))


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where addresses go."""
    group = parser.add_argument_group(
        "where to write addresses, instead of or besides the printed table"
    )
    group.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="write the variables to a file that shells, Docker Compose and dotenv can read",
    )
    # What is printed for GitHub is not JSON.
    printed = group.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print JSON instead of the table")
    printed.add_argument(
        "--github-env",
        action="store_true",
        help="set the variables for the later steps of a job on GitHub Actions, as environment "
        "variables and as outputs of this step",
    )


def check_outputs(options: argparse.Namespace) -> None:
    """Check before anything is started that addresses can be handed over.

    Raises:
        UsageError: They cannot.
    """
    if options.github_env:
        from ctest_containers.service.github_env import github_files

        github_files()
    if options.env_file is not None and options.env_file.is_dir():
        raise UsageError(f"{options.env_file} is a folder.", "Name a file with --env-file.")


def hand_over(options: argparse.Namespace, file: ServiceFile, slots: Sequence[Slot]) -> None:
    """Hand the addresses of slots over in the ways that the options name."""
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
