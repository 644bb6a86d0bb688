"""Which tests a change can reach: the only place in watch mode that decides it.

A round with `--affected` finds them by the recording of the tests. That takes a while, and needs a
recording; so a change of test modules that nothing else uses is decided here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.watching.files import Changes

NAMED: Final = 3
"""How many changed files are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The tests of a round.

    Attributes:
        labels: Their labels; None for all tests that `watch` was started for.
        reason: Why they run, in words.
        options: Options of `run` that narrow the selection.
    """

    labels: tuple[str, ...] | None
    reason: str
    options: tuple[str, ...] = ()


class Mentions:
    """Which Python files have the name of a module in them, read again only if they change."""

    def __init__(self) -> None:
        self._files: dict[bytes, set[str]] = {}

    def update(self, changed: Iterable[str]) -> None:
        """Read files again that have changed."""
        for path in changed:
            if self._files and path.endswith(".py"):
                content = _content(path)
                for word, files in self._files.items():
                    (files.add if word in content else files.discard)(path)

    def are_elsewhere(self, paths: frozenset[str], python_files: Iterable[str]) -> bool:
        """Return whether a file besides these has the name of one of their modules in it.

        Args:
            python_files: The Python files of the project.
        """
        words = {os.path.basename(path).removesuffix(".py").encode() for path in paths}  # noqa: PTH119
        if new := words - self._files.keys():
            self._files |= {word: set[str]() for word in new}
            self.update(python_files)
        return any(not self._files[word] <= paths for word in words)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def affected(
    changes: Changes,
    modules: Mapping[str, str],
    is_mentioned: Callable[[frozenset[str]], bool],
    folder: Path,
) -> Selection:
    """Return the tests that a change can reach.

    If all changed files are test modules that no other file mentions, these are their tests.

    Args:
        modules: The known test modules, by their files.
        is_mentioned: Returns whether another file mentions one of these; see `Mentions`.
        folder: The folder of the project.
    """
    names = sorted(os.path.relpath(path, folder) for path in changes.changed)
    shown = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        shown += f" and {len(names) - NAMED} more"
    labels = [modules.get(path) for path in sorted(changes.changed)]
    if changes.moved or None in labels or is_mentioned(changes.changed):
        return Selection(None, shown, ("--affected",))
    return Selection(tuple(label for label in labels if label is not None), shown)
