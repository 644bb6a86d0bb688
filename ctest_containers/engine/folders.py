"""Folders of runs: open to their user alone, and found again when their run is dead."""

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
"""The longest path of a socket within a run's folder."""


def run_folder(run: str) -> Path:
    """Where the folder of a run is, short enough for the path of a socket in it."""
    folder = Path(tempfile.gettempdir()) / f"{PREFIX}{run}"
    if len(os.fsencode(folder)) + len(LONGEST) > SOCKET_PATH_LIMIT:
        folder = Path("/tmp") / folder.name  # noqa: S108  # The folder is this user's alone.
    return folder


def make_run_folder(run: str, *, service: str = "") -> Path:
    """Make a run's folder, which only this user can enter.

    Args:
        service: The file of the service that is to keep it; empty where it ends with its maker.

    Raises:
        EngineError: It cannot be made.
    """
    folder = run_folder(run)
    # Known before the folder is there: one that is left without it would belong to nobody.
    owner = f"{labels.owner(os.getpid())}\n{service}"
    try:
        folder.mkdir(mode=0o700)
        (folder / OWNER_FILE).write_text(owner)
    except OSError as error:
        raise EngineError(
            f"The run's folder {folder} cannot be made: {error}.",
            "Make room there, or name another folder for temporary files with TMPDIR.",
        ) from error
    return folder


def name_container(folder: Path, container: str) -> None:
    """Note the container that a run's parent is in, for those who cannot see the parent itself."""
    file = folder / OWNER_FILE
    with suppress(OSError):
        owner, _, service = file.read_text().partition("\n")
        if labels.container_of(owner) is None:
            file.write_text(f"{owner}/{container}\n{service}")


def dead_run_folders(is_dead: Callable[[str], bool] = labels.owner_is_dead) -> list[Path]:
    """The folders of runs of this user whose parent has ended without removing them.

    Args:
        is_dead: Tells it of an owner, as far as it can be told. One that made its folder for a
            service may be in a container, which has the file that keeps the folder.
    """
    return [
        folder
        for folder, owner, service in _owned_folders()
        if (labels.owner_is_dead if service else is_dead)(owner)
        and not labels.is_kept(service, str(folder))
    ]


def service_folders(service: str) -> list[Path]:
    """The folders that were made for the service that has this file."""
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
    """Remove a folder and all that servers have left in it."""
    shutil.rmtree(folder, ignore_errors=True)
