"""Which tests a change can reach: the only place in watch mode that decides it.

A round with `--affected` finds them by the recording of the tests. That takes a while, and needs a
recording; so a change of test modules that nothing else uses is decided here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
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


def affected(
    changes: Changes, modules: Mapping[str, str], python_files: Iterable[str], folder: Path
) -> Selection:
    """Return the tests that a change can reach.

    If all changed files are test modules that no other file mentions, these are their tests.

    Args:
        modules: The known test modules, by their files.
        python_files: The Python files of the project.
        folder: The folder of the project.
    """
    names = sorted(os.path.relpath(path, folder) for path in changes.changed)
    shown = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        shown += f" and {len(names) - NAMED} more"
    labels = [modules.get(path) for path in sorted(changes.changed)]
    if changes.moved or None in labels or _are_mentioned(changes.changed, python_files):
        return Selection(None, shown, ("--affected",))
    return Selection(tuple(label for label in labels if label is not None), shown)


def _are_mentioned(paths: frozenset[str], python_files: Iterable[str]) -> bool:
    """Return whether another Python file has the name of one of these modules in it."""
    words = {os.path.basename(path).removesuffix(".py").encode() for path in paths}  # noqa: PTH119
    for file in python_files:
        if file not in paths:
            try:
                content = Path(file).read_bytes()
            except OSError:
                continue
            if any(word in content for word in words):
                return True
    return False
