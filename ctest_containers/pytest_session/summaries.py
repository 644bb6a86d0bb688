"""What the databases of a session contain before the first test."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from filelock import FileLock

from ctest_containers.errors import CtestError
from ctest_containers.supply.summaries import FIRST_WORKER, summaries_of
from ctest_containers.supply.supply import Supply


class Summaries:
    """Summaries of databases, which the processes of a session share.

    Args:
        folder: A folder that the processes share.
        say: Called with a line if databases cannot be summarized.

    Attributes:
        is_complete: Whether all that were asked for are known.
    """

    def __init__(self, supply: Supply, folder: Path, say: Callable[[str], None]) -> None:
        self._supply = supply
        self._file = folder / "schemas.json"
        self._lock = FileLock(folder / "schemas.lock")
        self._say = say
        self.is_complete = True

    def read(self, aliases: Collection[str]) -> None:
        """Summarize the databases of these aliases, after building templates that do not exist."""
        with self._lock:
            known = self._known()
            missing = set(aliases) - known.keys()
            if not missing:
                return
            try:
                self._supply.prepare(missing)
                known |= summaries_of(self._supply, missing)
                self._supply.release(FIRST_WORKER)
            except CtestError as error:
                self._say(f"The databases cannot be summarized: {error}")
            self.is_complete = self.is_complete and missing <= known.keys()
            self._file.write_text(json.dumps(known), encoding="utf-8")

    @property
    def known(self) -> dict[str, Any]:
        """The summaries as JSON data, by alias."""
        with self._lock:
            return self._known()

    def _known(self) -> dict[str, Any]:
        try:
            known: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return known
