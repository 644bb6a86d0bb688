"""Remembers what a selection of tests needed, so that the next run can start it at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctest_containers.storage import replace_text

KEPT_SELECTIONS = 200
"""The oldest ones are forgotten beyond this."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a run needed.

    Attributes:
        aliases: The databases that its tests used.
        workers: How many workers it had.
    """

    aliases: tuple[str, ...]
    workers: int


class Forecast:
    """What earlier runs of a project needed, kept in a file of its own.

    A wrong forecast costs a container that is not used; so a file that cannot be read counts as
    empty, and one that cannot be written is left alone.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, selection: Sequence[str]) -> Needs | None:
        """What the same selection of tests needed last time."""
        found = self._read().get(_key(selection))
        try:
            return Needs(tuple(found["aliases"]), int(found["workers"])) if found else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def remember(self, selection: Sequence[str], needs: Needs) -> None:
        """Keep what this selection needed; two runs at once may lose one another's note."""
        known = self._read()
        known.pop(_key(selection), None)
        known[_key(selection)] = {"aliases": list(needs.aliases), "workers": needs.workers}
        kept = dict(list(known.items())[-KEPT_SELECTIONS:])
        with suppress(OSError):
            replace_text(self._file, json.dumps(kept))

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _key(selection: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(selection)).encode()).hexdigest()[:16]
