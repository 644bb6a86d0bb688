"""Folders of runs: open to their user alone, and found again when their run is dead."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from ctest_containers.engine import labels
from ctest_containers.errors import EngineError
from ctest_containers.model import SOCKET_PATH_LIMIT

PREFIX: Final = "ctest-"
OWNER_FILE: Final = "owner"

LONGEST: Final = "/template-postgresql-99-abcd-proof/.s.PGSQL.5432"
"""The longest path of a socket within a run's folder."""


def make_run_folder(run: str) -> Path:
    """A folder that only this user can enter, short enough for the path of a socket in it.

    Raises:
        EngineError: It cannot be made.
    """
    folder = Path(tempfile.gettempdir()) / f"{PREFIX}{run}"
    if len(os.fsencode(folder)) + len(LONGEST) > SOCKET_PATH_LIMIT:
        folder = Path("/tmp") / folder.name  # noqa: S108  # The folder is this user's alone.
    try:
        folder.mkdir(mode=0o700)
        (folder / OWNER_FILE).write_text(labels.owner(os.getpid()))
    except OSError as error:
        raise EngineError(
            f"The run's folder {folder} cannot be made: {error}.",
            "Make room there, or name another folder for temporary files with TMPDIR.",
        ) from error
    return folder


def dead_run_folders() -> list[Path]:
    """The folders of runs of this user whose parent has ended without removing them."""
    dead = []
    for base in {Path(tempfile.gettempdir()), Path("/tmp")}:  # noqa: S108  # As above.
        for folder in base.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if folder.stat().st_uid == os.getuid() and labels.owner_is_dead(
                    (folder / OWNER_FILE).read_text()
                ):
                    dead.append(folder)
    return dead


def remove_folder(folder: Path) -> None:
    """Remove a folder and all that servers have left in it."""
    shutil.rmtree(folder, ignore_errors=True)
