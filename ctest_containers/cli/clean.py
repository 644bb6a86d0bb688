"""`clean`: removes what runs left behind that died without doing so themselves."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ctest_containers.cli.parsing import Parser
from ctest_containers.config import project_meant
from ctest_containers.errors import EngineError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.storage import cache_folder
from ctest_containers.text import plural, were

if TYPE_CHECKING:
    from ctest_containers.engine.docker import DockerEngine


def clean(arguments: Sequence[str]) -> int:
    """Remove containers and folders of dead runs, and say what was removed.

    Living runs keep everything, and so do other projects, unless all projects are named.
    """
    options = parser().parse_args(arguments)
    project = None if options.all else project_meant(options.project)
    # The engine's libraries take a while to load, which help does not wait for.
    from ctest_containers.engine import labels
    from ctest_containers.engine.folders import dead_run_folders, remove_folder
    from ctest_containers.engine.reaper import owner_is_dead
    from ctest_containers.template.stored import half_made_files

    engine = _engine()
    removed = [] if engine is None else _clean_engine(engine, project, dry=options.dry_run)
    # Of an owner in another container, only the engine can tell.
    is_dead = labels.owner_is_dead if engine is None else partial(owner_is_dead, engine)
    for folder in [*dead_run_folders(is_dead), *half_made_files(cache_folder())]:
        removed.append(f"folder {folder}")
        if not options.dry_run:
            remove_folder(folder)
    for line in removed:
        print(f"{'would remove' if options.dry_run else 'removed'} {line}")
    things, verb = plural(len(removed), "thing"), were(len(removed))
    print(f"{things} {'would be' if options.dry_run else verb} removed.")
    return ExitCode.PASSED


def parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    made = Parser(
        prog="python -m ctest_containers clean",
        description="Removes the containers, folders and half-made templates of runs that died.",
        examples=[
            ("clean --dry-run", "Say what would be removed."),
            ("clean --all", "Remove what is left of every project."),
        ],
    )
    made.add_argument("--project", help="whose containers; by default the current folder's name")
    made.add_argument("--all", action="store_true", help="the containers of every project")
    made.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    return made


def _engine() -> DockerEngine | None:
    from ctest_containers.engine.docker import DockerEngine

    try:
        return DockerEngine()
    except EngineError as error:
        # Nothing can have been started where there is no engine.
        if shutil.which("docker") is not None:
            print(f"Containers are left out. {error.message}")
        return None


def _clean_engine(engine: DockerEngine, project: str | None, *, dry: bool) -> list[str]:
    from ctest_containers.engine.reaper import dead_containers, half_made_images

    try:
        found = dead_containers(engine, project)
        images = half_made_images(engine, project)
        if not dry:
            for container in found:
                engine.remove(container)
            for image_id in images:
                engine.remove_image(image_id)
    except EngineError as error:
        print(f"Containers are left out. {error.message}")
        return []
    return [f"container {container.name}" for container in found] + [
        f"half-made image {image_id}" for image_id in images
    ]
