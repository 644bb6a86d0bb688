"""The files of a project that any code may read, apart from what is tracked by its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctest_containers.project.git import git, listed_names
from ctest_containers.recording.digests import LITTER

SOURCES: Final = (".py", ".po", ".pot", ".pyi")
"""Suffixes of files that are other inputs, or none."""

WRITTEN: Final = (".db", ".log", ".pid", ".sqlite3")
"""Suffixes of files that programs write all the time."""

TEMPLATES: Final = frozenset({"jinja2", "templates"})
"""Folders with HTML templates, whose names are recorded."""

OF_OTHERS: Final = frozenset({"env", "node_modules", "venv"})
"""Folders that are not the project's own."""


def data_files(project: str) -> Iterator[str]:
    """Yield the paths of the data files of a project, relative to its folder.

    In a Git repository, these are the files that it does not ignore.

    Args:
        project: The path of its folder.
    """
    folder = Path(project)
    listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = _walked(folder) if listed is None else {*listed_names(listed), *_variables(folder)}
    yield from sorted(name for name in names if is_data_file(name))


def is_data_file(name: str) -> bool:
    """Return whether a file, by its path relative to the project's folder, is a data file."""
    *folders, last = name.split("/")
    if last.endswith((*SOURCES, *WRITTEN, *LITTER)) or last.startswith((".coverage", ".git")):
        return False
    return not any(folder.startswith(".") or _is_left_out(folder) for folder in folders)


def _is_left_out(folder: str) -> bool:
    return folder in TEMPLATES or folder in OF_OTHERS


def _variables(folder: Path) -> Iterator[str]:
    """Yield files with environment variables, which Git mostly ignores."""
    return (file.name for file in folder.glob(".env*") if file.is_file())


def _walked(project: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(project):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or _is_left_out(name) or _is_environment(here / name))
        ]
        yield from ((here / name).relative_to(project).as_posix() for name in files)


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()
