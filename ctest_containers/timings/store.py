"""The file in which timings are kept between runs."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ctest_containers.storage import cache_folder, replace_text
from ctest_containers.text import slug
from ctest_containers.timings.model import Measured, Timings, from_json

LOCK_SECONDS: Final = 5.0
"""How long to wait for another run that writes its timings."""


def default_path(project: str) -> Path:
    """The default file of a project's timings."""
    return cache_folder() / "timings" / f"{slug(project)}.json"


@dataclass(frozen=True, slots=True)
class TimingsFile:
    """A file of timings that several runs read and write, one at a time."""

    path: Path

    def read(self) -> tuple[Timings, str]:
        """Read the timings, and return with them why the file was set aside, if it was.

        A missing file is empty.
        """
        try:
            return from_json(json.loads(self.path.read_text(encoding="utf-8"))), ""
        except FileNotFoundError:
            return Timings(), ""
        except (OSError, ValueError, RecursionError) as error:
            return Timings(), self._set_aside(error)

    def merge(self, measured: Measured) -> str:
        """Add the measurements of a run, and return a warning if that fails."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                timings, trouble = self.read()
                self.write(timings.merged(measured, dt.date.today()))  # noqa: DTZ011
        except (OSError, Timeout) as error:
            return f"The timings cannot be written to {self.path}: {error}."
        return trouble

    def write(self, timings: Timings) -> None:
        """Replace the file in one step.

        Raises:
            OSError: It cannot be written.
        """
        replace_text(self.path, json.dumps(timings.as_json()))

    def _set_aside(self, error: Exception) -> str:
        aside = self.path.with_name(f"{self.path.name}.unreadable")
        try:
            self.path.replace(aside)
        except OSError:
            return f"The timings in {self.path} cannot be read: {error}."
        return f"The timings file {self.path} {error}. It was renamed to {aside.name}."
