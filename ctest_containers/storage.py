"""Where the toolkit keeps what outlives a run, and how a file there is replaced."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


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
