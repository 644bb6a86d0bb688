"""`clean`: removes what runs left behind that died without doing so themselves."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from ctest_containers.cli.parsing import Parser
from ctest_containers.engine.docker import DockerEngine
from ctest_containers.engine.folders import dead_run_folders, remove_folder
from ctest_containers.engine.reaper import dead_containers, half_made_images
from ctest_containers.errors import EngineError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.storage import cache_folder
from ctest_containers.template.kept import half_made_files
from ctest_containers.text import plural


def clean(arguments: Sequence[str]) -> int:
    """Remove containers and folders of dead runs, and say what was removed.

    Living runs keep everything, and so do other projects, unless all projects are named.
    """
    options = parser().parse_args(arguments)
    project = None if options.all else options.project or Path.cwd().name

    removed = _clean_containers(project, dry=options.dry_run)
    for folder in [*dead_run_folders(), *half_made_files(cache_folder())]:
        removed.append(f"folder {folder}")
        if not options.dry_run:
            remove_folder(folder)
    for line in removed:
        print(f"{'would remove' if options.dry_run else 'removed'} {line}")
    things = plural(len(removed), "thing")
    print(f"{things} {'would be' if options.dry_run else 'were'} removed.")
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


def _clean_containers(project: str | None, *, dry: bool) -> list[str]:
    try:
        engine = DockerEngine()
        found = dead_containers(engine, project)
        images = half_made_images(engine, project)
        if not dry:
            for container in found:
                engine.remove(container)
            for image_id in images:
                engine.remove_image(image_id)
    except EngineError as error:
        if shutil.which("docker") is None:
            return []  # Nothing can have been started where there is no engine.
        print(f"Containers are left out. {error.message}")
        return []
    return [f"container {container.name}" for container in found] + [
        f"half-made image {image_id}" for image_id in images
    ]
