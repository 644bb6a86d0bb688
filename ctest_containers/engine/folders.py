"""Makes the folders of runs, private to their user, and finds those of dead runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ctest_containers.backends import BACKENDS
from ctest_containers.engine import labels
from ctest_containers.errors import EngineError
from ctest_containers.model import SOCKET_PATH_LIMIT

PREFIX: Final = "ctest-"
OWNER_FILE: Final = "owner"

LONGEST: Final = max(
    (
        f"/template-{vendor}-99-abcd-proof/{backend.socket_file()}"
        for vendor, backend in BACKENDS.items()
    ),
    key=len,
)
"""The longest path of a socket relative to a run's folder."""


def run_folder(run: str) -> Path:
    """The path of a run's folder, short enough for the path of a socket in it."""
    folder = Path(tempfile.gettempdir()) / f"{PREFIX}{run}"
    if len(os.fsencode(folder)) + len(LONGEST) > SOCKET_PATH_LIMIT:
        folder = Path("/tmp") / folder.name  # noqa: S108  # The folder is this user's alone.
    return folder


def make_run_folder(run: str, *, service: str = "") -> Path:
    """Make a run's folder, which only this user can enter.

    Args:
        service: The file of the service that keeps it; empty if it ends with this process.

    Raises:
        EngineError: The folder cannot be made.
    """
    folder = run_folder(run)
    # Computed first: a folder without an owner would never be removed.
    owner = f"{labels.owner(os.getpid())}\n{service}"
    try:
        folder.mkdir(mode=0o700)
        (folder / OWNER_FILE).write_text(owner)
    except OSError as error:
        raise EngineError(
            f"Could not create the run's folder {folder}: {error}.",
            "Free space there, or set TMPDIR to another folder for temporary files.",
        ) from error
    return folder


def name_container(folder: Path, container: str) -> None:
    """Note the container of a run's parent, for processes that cannot see the parent itself."""
    file = folder / OWNER_FILE
    with suppress(OSError):
        owner, _, service = file.read_text().partition("\n")
        if labels.container_of(owner) is None:
            file.write_text(f"{owner}/{container}\n{service}")


def dead_run_folders(is_dead: Callable[[str], bool] = labels.owner_is_dead) -> list[Path]:
    """The folders of this user's runs whose parent has ended without removing them.

    Args:
        is_dead: Whether an owner is known to have ended. It does not apply to the folders of
            services: the file that keeps such a folder may be in the owner's container.
    """
    return [
        folder
        for folder, owner, service in _owned_folders()
        if (labels.owner_is_dead if service else is_dead)(owner)
        and not labels.is_kept(service, str(folder))
    ]


def service_folders(service: str) -> list[Path]:
    """The folders that were made for the service with this file."""
    return [folder for folder, _, made_for in _owned_folders() if made_for == service]


def _owned_folders() -> Iterator[tuple[Path, str, str]]:
    """The folders of this user, each with its owner and the file of its service."""
    for base in {Path(tempfile.gettempdir()), Path("/tmp")}:  # noqa: S108  # As above.
        for folder in base.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid():
                    owner, _, service = (folder / OWNER_FILE).read_text().partition("\n")
                    yield folder, owner, service


def remove_folder(folder: Path) -> None:
    """Remove a folder and everything that servers have left in it."""
    shutil.rmtree(folder, ignore_errors=True)
