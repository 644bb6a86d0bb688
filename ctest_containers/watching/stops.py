"""Stops the loading of a project before it imports certain files."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class Stops:
    """Calls a function before one of some files is imported for the first time.

    It is a finder on `sys.meta_path` that finds nothing.

    Args:
        stop: The function.

    Attributes:
        files: The files, by their absolute paths.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._passed: set[str] = set()
        self.files: frozenset[str] = frozenset()

    def find_spec(self, name: str, path: Sequence[str] | None = None, _: object = None) -> None:
        """Stop if a module may be one of the files."""
        last = name.rpartition(".")[2]
        for folder in sys.path if path is None else path:
            for file in (f"{last}.py", f"{last}{os.sep}__init__.py"):
                whole = os.path.join(os.path.abspath(folder), file)  # noqa: PTH100, PTH118
                if whole in self.files and whole not in self._passed:
                    self._passed.add(whole)
                    # Threads would be lost in forks.
                    if threading.active_count() == 1:
                        self._stop()

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Stop during the block."""
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)
