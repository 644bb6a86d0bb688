"""Databases without a run of tests: the options for them, and the project that they are for."""

from __future__ import annotations

import argparse
import logging
import traceback
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from ctest_containers.backends import BACKENDS
from ctest_containers.cli.loading import ProjectCodeError, find_project, load_project
from ctest_containers.cli.option_types import names
from ctest_containers.cli.services import say
from ctest_containers.config import Config
from ctest_containers.config.arguments import add_option
from ctest_containers.config.sections.templates import image_field
from ctest_containers.events import Event, TemplateFound
from ctest_containers.model import FOR_ANY_PROGRAM
from ctest_containers.report.messages import lines_of

ROWS: Final = (
    *("project", *map(image_field, BACKENDS), "images", "registry", "verify_templates"),
    *("transport", "fingerprint_files", "server_memory", "server_settings", "server_timeout"),
    *("build", "build_timeout", "database_role"),
)
"""The options of `run` that matter where databases are made and no tests are run."""

TRANSPORT: Final = (
    "How servers are reached. port, the default: a loopback port, with a random password. socket: "
    "a Unix socket that only you can open. network: a container network, if the toolkit runs in "
    "a container."
)


def add_database_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that load the project and make databases."""
    parser.add_argument(
        "--databases",
        type=names,
        metavar="ALIAS,…",
        help="aliases of the databases to create (default: all in the settings)",
    )
    add_template_options(parser)


def add_template_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that load the project and may build its templates."""
    parser.add_argument(
        "--settings", metavar="MODULE", help="the settings module (default: the one in manage.py)"
    )
    parser.add_argument("--pythonpath", metavar="FOLDER", help="a folder to import modules from")
    for option in fields(Config):
        if option.name in ROWS and option.name != "project":
            add_option(parser, option, TRANSPORT if option.name == "transport" else "")


def load_configuration(options: argparse.Namespace) -> Config:
    """Load the project in the current folder, and return what is configured for it.

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

    # The settings have read what they need from it.
    set_aside_variables()
    config = configuration({name: getattr(options, name) for name in ROWS})
    return replace(config, transport=FOR_ANY_PROGRAM) if config.transport == "auto" else config


def print_event(event: Event) -> None:
    """Print what a person may wait for while databases are made."""
    if not isinstance(event, TemplateFound):
        for level, text in lines_of(event):
            if level >= logging.INFO:
                say(text)
