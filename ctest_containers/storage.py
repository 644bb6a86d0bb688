"""The toolkit's folder for what outlives a run, and how to replace a file."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Final

import platformdirs

KEPT_COUNT: Final = 20
"""How many templates of each of a project's groups of databases are kept: those used last."""

KEPT_LAYERS: Final = 30
"""How many of their layers are kept, from which later builds continue."""

KEPT_DAYS: Final = 30.0
"""A template that has not been used for this many days is removed."""

KEPT_BYTES: Final = 10 * 2**30
"""How much all templates of a project may take together, without their base images."""


def cache_folder() -> Path:
    """Return the toolkit's folder in the user's cache."""
    return Path(platformdirs.user_cache_dir("ctest_containers"))


def replace_text(file: Path, text: str, *, private: bool = False) -> None:
    """Replace the contents of a file with a text; see `replace_bytes`."""
    replace_bytes(file, text.encode(), private=private)


def replace_bytes(file: Path, content: bytes, *, private: bool = False) -> None:
    """Replace the contents of a file atomically, creating its folder if necessary.

    The new file has a name that begins with a dot until it is complete, so that a program that
    collects the files of the folder never takes an incomplete one.

    Args:
        private: Whether no other user may read it at any moment.

    Raises:
        OSError: It cannot be written; the old contents are still there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{_beginning(file)}{os.getpid()}")
    try:
        if private:
            temporary.unlink(missing_ok=True)
            temporary.touch(mode=0o600, exist_ok=False)
        temporary.write_bytes(content)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(file: Path) -> None:
    """Remove what processes have left that were killed while they replaced a file.

    No process may be replacing it now.
    """
    for left in file.parent.glob(f"{glob.escape(_beginning(file))}*"):
        left.unlink(missing_ok=True)


def _beginning(file: Path) -> str:
    """Return how the names of incomplete files begin that are to replace a file."""
    return f".{file.name}."
