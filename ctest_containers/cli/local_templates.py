"""The templates on this machine, of any project: what commands about them share."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ctest_containers.errors import EngineUnreachableError
from ctest_containers.storage import cache_folder

if TYPE_CHECKING:
    from ctest_containers.servers.client import ServerHostClient
    from ctest_containers.template import TemplateRepository
    from ctest_containers.template.stored import StoredTemplate


def add_project_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose whose templates a command is about."""
    parser.add_argument("--project", help="the project's name (default: the current folder's name)")
    parser.add_argument("--all", action="store_true", help="all projects")


def chosen_project(options: argparse.Namespace) -> str:
    """The project that the options choose; `*` for every project."""
    from ctest_containers.config import project_meant

    return "*" if options.all else project_meant(options.project)


def stored_templates(repository: TemplateRepository, project: str) -> list[StoredTemplate]:
    """The templates of a project, with their sizes.

    Args:
        project: Its name, or `*` for every project.
    """
    try:
        return repository.stored(project, sizes=True)
    except EngineUnreachableError as error:
        # Without Docker on this machine, no one expects images.
        if shutil.which("docker") is not None:
            sys.stderr.write(f"Images are skipped. {error.message}\n")
        return repository.stored(project, engine=False)


@contextmanager
def local_repository() -> Iterator[TemplateRepository]:
    """The templates of this machine, without any project."""
    from ctest_containers.config import Config, project_meant
    from ctest_containers.engine.folders import make_run_folder, remove_folder
    from ctest_containers.servers.client import ServerHostClient
    from ctest_containers.template import TemplateRepository

    hosts: list[ServerHostClient] = []
    run = secrets.token_hex(4)
    folder = make_run_folder(run)

    def host() -> ServerHostClient:
        if not hosts:
            hosts.append(
                ServerHostClient(
                    run=run,
                    folder=folder,
                    project=project_meant(None),
                    transport=Config().transport,
                )
            )
        return hosts[0]

    try:
        yield TemplateRepository(
            folder=cache_folder(),
            host=host,
            server_timeout_seconds=Config().server_timeout,
        )
    finally:
        for client in hosts:
            client.close()
        remove_folder(folder)
