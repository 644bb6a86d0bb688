"""Names of files that are the same in every checkout of a project, and on every machine."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.recording.module import INSTALLED

INSTALLED_PREFIX: Final = "python:"
"""The prefix of names of files on Python's search path."""

NO_FILES: Final = ("/proc/", "/dev/", "/sys/")
"""Folders of the system whose files change all the time."""


@dataclass(frozen=True, slots=True)
class PortablePaths:
    """Names the files of a project in the same way on every machine.

    Attributes:
        project: The folder in which its commands run.
        checkout: The folder of the repository that it is in; the same folder if there is none.
        installed: The folders on Python's search path, apart from the checkout's own.
        python: The folders of Python itself.
        django: Those of Django.
        temporary: The folder of temporary files, which are not inputs.

    A virtual environment may be a symbolic link, so its folders are here with and without it.
    """

    project: str
    checkout: str
    installed: tuple[str, ...]
    python: tuple[str, ...]
    django: tuple[str, ...]
    temporary: str

    @classmethod
    def here(cls) -> PortablePaths:
        """The paths of this process, which has loaded the project."""
        import django

        project = os.path.realpath(Path.cwd())
        checkout = project
        for folder in Path(project).parents:
            if (folder / ".git").exists():
                checkout = str(folder)
        entries = [
            entry
            for entry in filter(None, sys.path)
            # A virtual environment may be in the checkout.
            if not _is_below(real := os.path.realpath(entry), checkout)
            or not INSTALLED.isdisjoint(Path(real).parts)
        ]
        return cls(
            project=project,
            checkout=checkout,
            installed=tuple(sorted(_both(*entries), key=len, reverse=True)),
            python=_both(*(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))),
            django=_both(os.path.dirname(django.__file__)),  # noqa: PTH120
            temporary=os.path.realpath(tempfile.gettempdir()),
        )

    def name_of(self, path: str) -> str:
        """The name of a file or folder; empty if it is not an input.

        Args:
            path: As it was opened, from the project's folder.
        """
        # Not resolved: a link in the checkout is named as the project names it.
        whole = os.path.normpath(os.path.join(self.project, path))  # noqa: PTH118
        if whole.startswith(NO_FILES) or whole == os.sep:
            return ""
        for folder in self.installed:
            if _is_below(whole, folder) and whole != folder:
                relative = os.path.relpath(whole, folder).replace(os.sep, "/")
                return f"{INSTALLED_PREFIX}{relative}"
        if _is_below(whole, self.checkout):
            return os.path.relpath(whole, self.project).replace(os.sep, "/")
        if _is_below(whole, self.temporary):
            return ""
        return whole.replace(os.sep, "/")

    def paths_of(self, name: str) -> Iterator[str]:
        """The possible paths of a file with this name; the first that exists counts."""
        if name.startswith(INSTALLED_PREFIX):
            relative = name.removeprefix(INSTALLED_PREFIX)
            yield from (f"{folder}/{relative}" for folder in self.installed)
        else:
            yield os.path.join(self.project, name)  # noqa: PTH118

    def is_around(self, path: str) -> bool:
        """Whether the project, or an installed package, is in this folder."""
        own = (self.project, self.checkout, self.temporary)
        return any(
            _is_below(folder, os.path.normpath(path))
            for folder in (*own, *self.installed, *self.python, *self.django)
        )

    def is_in_checkout(self, path: str) -> bool:
        """Whether a file is in the repository of the project."""
        return _is_below(os.path.realpath(path), self.checkout)

    def portable(self, text: str) -> str:
        """A text that names the checkout identically wherever it is."""
        return text.replace(self.checkout, ".")

    def is_python_s(self, path: str) -> bool:
        """Whether a file belongs to Python or Django, whose versions are separate inputs."""
        if any(_is_below(path, folder) for folder in self.django):
            return True
        if not any(_is_below(path, folder) for folder in self.python):
            return False
        return INSTALLED.isdisjoint(Path(path).parts)


def _both(*paths: str) -> tuple[str, ...]:
    """These paths, each with symbolic links and without."""
    return tuple(
        dict.fromkeys(
            form
            for path in paths
            for form in (os.path.realpath(path), os.path.abspath(path))  # noqa: PTH100
        )
    )


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}")
