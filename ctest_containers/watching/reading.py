"""Which files this process has read, so that a change of one of them makes it out of date."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final


class Reading:
    """Notes the files below a folder that this process opens or imports.

    Forks inherit what it has noted. It cannot be removed again, only paused.

    Attributes:
        is_noting: Whether it notes files; rounds do not need it.
    """

    def __init__(self, folder: Path) -> None:
        self._prefix: Final = f"{folder}{os.sep}"
        self._opened: set[str] = set()
        self.is_noting = True

    def install(self) -> None:
        """Begin to note files."""
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (
            event == "open"
            and self.is_noting
            and isinstance(arguments[0], (str, bytes, os.PathLike))
        ):
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  # Path is slower.
            if path.startswith(self._prefix):
                self._opened.add(path)

    def files(self) -> list[str]:
        """Return the files that have been opened, and the source files of imported modules."""
        imported = {file for _, file in _files_of_modules() if file.startswith(self._prefix)}
        return sorted(self._opened | imported)

    def libraries(self) -> list[str]:
        """Return the imported modules of Python and of packages, in the order of import."""
        return [
            name
            for name, file in _files_of_modules()
            if not file.startswith(self._prefix) or f"{os.sep}site-packages{os.sep}" in file
        ]


def _files_of_modules() -> Iterable[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            yield name, os.path.abspath(file)  # noqa: PTH100
