"""Which files this process reads and writes, so that a change can be attributed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

WRITING: Final = os.O_WRONLY | os.O_RDWR
MOVING: Final = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect"})
"""Python's audit events for what creates or removes files without opening them."""


class Reading:
    """Notes the files below a folder that this process opens or imports, as do its forks.

    A stage that has read a file is out of date when the file changes. What a round writes is no
    change at all: otherwise, a test that writes a file into the project would run again and again.

    Args:
        folder: The folder of the project.
    """

    def __init__(self, folder: Path) -> None:
        self._prefix: Final = f"{folder}{os.sep}"
        self._opened: set[str] = set()
        self._written: int | None = None

    def install(self) -> None:
        """Begin to note files; this cannot be undone."""
        sys.addaudithook(self._note)

    def begin_round(self, written: int) -> None:
        """Note only what is written from now on, and at once, before it happens.

        Args:
            written: The descriptor of the file for the paths.
        """
        self._written = written

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if self._written is None:
                self._add(path)
            elif flags & WRITING:
                self._write(path)
        elif event in MOVING and self._written is not None:
            for path in arguments[:2]:
                self._write(path)

    def _below(self, path: object) -> str | None:
        # Descriptors can be opened, too.
        if isinstance(path, (str, bytes, os.PathLike)):
            with suppress(ValueError, OSError):
                absolute = os.path.abspath(os.fsdecode(path))  # noqa: PTH100  # Path is slower.
                if absolute.startswith(self._prefix):
                    return absolute
        return None

    def _add(self, path: object) -> None:
        if (absolute := self._below(path)) is not None:
            self._opened.add(absolute)

    def _write(self, path: object) -> None:
        if (absolute := self._below(path)) is not None and self._written is not None:
            with suppress(OSError):
                os.write(self._written, os.fsencode(absolute) + b"\0")

    def files(self) -> list[str]:
        """Return the files that have been opened, and the source files of imported modules."""
        imported = {file for file in _files_of_modules() if file.startswith(self._prefix)}
        return sorted(self._opened | imported)


def _files_of_modules() -> Iterable[str]:
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            yield os.path.abspath(file)  # noqa: PTH100
