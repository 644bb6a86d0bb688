"""Where the toolkit keeps what outlives a run, and how a file there is replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import platformdirs

KEPT_COUNT: Final = 20
"""So many templates of a project's group of databases are kept, those used last."""

KEPT_LAYERS: Final = 30
"""So many layers of them, from which later builds go on."""

KEPT_DAYS: Final = 30.0
"""A template that nobody has used for so long is given up."""

KEPT_BYTES: Final = 10 * 2**30
"""What all templates of a project may take together beyond what they start from."""


def cache_folder() -> Path:
    """The toolkit's own folder in the user's cache."""
    return Path(platformdirs.user_cache_dir("ctest_containers"))


def replace_text(file: Path, text: str, *, private: bool = False) -> None:
    """Give a file another content in one step, making its folder if need be.

    The new content has a name that begins with a dot until it is complete, so that nobody who
    collects the files of a folder takes half of one.

    Args:
        private: Whether only this user may read it, at no moment anybody else.

    Raises:
        OSError: It cannot be written; the old content is still there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    making = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if private:
            making.unlink(missing_ok=True)
            making.touch(mode=0o600, exist_ok=False)
        making.write_text(text, encoding="utf-8")
        making.replace(file)
    finally:
        making.unlink(missing_ok=True)
