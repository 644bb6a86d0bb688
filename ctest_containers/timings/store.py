"""The file in which timings are kept between runs."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs
from filelock import FileLock, Timeout

from ctest_containers.text import slug
from ctest_containers.timings.model import Measured, Timings, from_json

LOCK_SECONDS: Final = 5.0
"""How long another run may take to write its own."""


def default_path(project: str) -> Path:
    """Where the timings of a project are kept unless another place is named."""
    cache = Path(platformdirs.user_cache_dir("ctest_containers"))
    return cache / "timings" / f"{slug(project)}.json"


@dataclass(frozen=True, slots=True)
class TimingsFile:
    """Timings that several runs read and write, one at a time."""

    path: Path

    def read(self) -> tuple[Timings, str]:
        """The timings, and why the file was set aside, if it was; a missing file is empty."""
        try:
            return from_json(json.loads(self.path.read_text(encoding="utf-8"))), ""
        except FileNotFoundError:
            return Timings(), ""
        except (OSError, ValueError, RecursionError) as error:
            return Timings(), self._set_aside(error)

    def merge(self, measured: Measured) -> str:
        """Add what a run has measured, and say what went wrong with that, if something did."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                timings, trouble = self.read()
                self.write(timings.merged(measured, dt.date.today()))  # noqa: DTZ011
        except (OSError, Timeout) as error:
            return f"The timings cannot be kept in {self.path}: {error}."
        return trouble

    def write(self, timings: Timings) -> None:
        """Replace the file in one step.

        Raises:
            OSError: It cannot be written.
        """
        making = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            making.write_text(json.dumps(timings.as_json()), encoding="utf-8")
            making.replace(self.path)
        finally:
            making.unlink(missing_ok=True)

    def _set_aside(self, error: Exception) -> str:
        aside = self.path.with_name(f"{self.path.name}.unreadable")
        try:
            self.path.replace(aside)
        except OSError:
            return f"The timings in {self.path} cannot be read: {error}."
        return f"The file of timings {self.path} {error}. It is now {aside.name}."
