"""`clean`: removes what crashed runs left behind, and the kept databases of failed tests."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import EngineError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.storage import cache_folder
from ctest_containers.text import plural, were

if TYPE_CHECKING:
    from ctest_containers.engine.docker import DockerEngine


def clean(arguments: Sequence[str]) -> int:
    """Remove containers and folders of dead runs and all kept failures, and print what was removed.

    Live runs keep their servers, and other projects keep everything without --all.
    """
    options = make_parser().parse_args(arguments)
    # These take a while to load; help does not wait for them.
    from ctest_containers.config import project_meant
    from ctest_containers.engine import labels
    from ctest_containers.engine.folders import dead_run_folders, remove_folder
    from ctest_containers.engine.reaper import owner_is_dead
    from ctest_containers.template.stored import half_made_files

    project = None if options.all else project_meant(options.project)
    engine = _engine()
    removed = [] if engine is None else _clean_engine(engine, project, dry=options.dry_run)
    # Only the engine knows whether an owner in another container is alive.
    is_dead = labels.owner_is_dead if engine is None else partial(owner_is_dead, engine)
    for folder in [*dead_run_folders(is_dead), *half_made_files(cache_folder())]:
        removed.append(f"folder {folder}")
        if not options.dry_run:
            remove_folder(folder)
    removed += _clean_failures(project, dry=options.dry_run)
    for line in removed:
        print(f"{'would remove' if options.dry_run else 'removed'} {line}")
    things, verb = plural(len(removed), "thing"), were(len(removed))
    print(f"{things} {'would be' if options.dry_run else verb} removed.")
    return ExitCode.PASSED


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} clean",
        description=(
            "Removes the containers, folders and incomplete templates of crashed runs, and\n"
            "the kept databases of failed tests. Does not touch anything that a running run\n"
            "uses."
        ),
        examples=[
            ("clean --dry-run", "Show what would be removed."),
            ("clean --all", "Remove what crashed runs of every project left."),
        ],
    )
    parser.add_argument("--project", help="the project's name (default: the current folder's)")
    parser.add_argument(
        "--all", action="store_true", help="also clean up after runs of other projects"
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be removed")
    return parser


def _engine() -> DockerEngine | None:
    from ctest_containers.engine.docker import DockerEngine

    try:
        return DockerEngine()
    except EngineError as error:
        # Without an engine, no container can have been started.
        if shutil.which("docker") is not None:
            print(f"Containers are skipped. {error.message}")
        return None


def _clean_engine(engine: DockerEngine, project: str | None, *, dry: bool) -> list[str]:
    from ctest_containers.engine.reaper import dead_containers, half_made_images

    try:
        containers = dead_containers(engine, project)
        images = half_made_images(engine, project)
        if not dry:
            for container in containers:
                engine.remove(container)
            for image_id in images:
                engine.remove_image(image_id)
    except EngineError as error:
        print(f"Containers are skipped. {error.message}")
        return []
    return [f"container {container.name}" for container in containers] + [
        f"unfinished image {image_id}" for image_id in images
    ]


BEING_KEPT_SECONDS: Final = 60.0
"""A run may still be writing a failure that is not older than this."""


def _clean_failures(project: str | None, *, dry: bool) -> list[str]:
    from ctest_containers.failures.store import FailureStore

    stores = FailureStore.every() if project is None else [FailureStore.of(project)]
    removed = []
    for store in stores:
        for stored in store.all():
            if not dry:
                store.remove(stored)
            removed.append(f"failure {stored.failure.name} of {stored.failure.test_id}")
        if not dry:
            unfinished = store.remove_unfinished(seconds=BEING_KEPT_SECONDS)
            removed += [f"unfinished failure {folder.name}" for folder in unfinished]
    return removed


COMMAND: Final = Command(handle=clean, make_parser=make_parser)
