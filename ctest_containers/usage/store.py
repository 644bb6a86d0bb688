"""The file in which the recording of a project's tests is kept between runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ctest_containers.storage import remove_unfinished, replace_bytes
from ctest_containers.usage.encoding import from_bytes, to_bytes
from ctest_containers.usage.recording import Recording

SUFFIX: Final = ".usage"
"""Ends the name of the file, which is beside a file of timings or an event log."""

LOCK_SECONDS: Final = 60.0
"""How long to wait for other runs that write the file, which takes seconds if it is large."""


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A file that several runs read and write, one at a time."""

    path: Path

    @classmethod
    def beside(cls, file: Path) -> RecordingFile:
        """Return the file beside a file of timings or an event log."""
        return cls(file.with_name(f"{file.name}{SUFFIX}"))

    def read(self) -> tuple[Recording, str]:
        """Read the recording, and return with it why the file was set aside, if it was.

        A missing file is empty.
        """
        try:
            return from_bytes(self.path.read_bytes()), ""
        except FileNotFoundError:
            return Recording(), ""
        except OSError as error:
            return Recording(), f"The recording of the tests cannot be read: {error}."
        except ValueError as error:
            return Recording(), self._set_aside(error)

    def update(self, change: Callable[[Recording], Recording]) -> str:
        """Replace the recording, and return a warning if that fails.

        Args:
            change: Gets the recording as it is now, and returns the new one.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                remove_unfinished(self.path)
                recording, problem = self.read()
                self.write(change(recording))
        except (OSError, Timeout) as error:
            return f"The recording of the tests cannot be written to {self.path}: {error}."
        return problem

    def write(self, recording: Recording) -> None:
        """Replace the file in one step.

        Raises:
            OSError: It cannot be written.
        """
        replace_bytes(self.path, to_bytes(recording))

    def _set_aside(self, error: ValueError) -> str:
        aside = self.path.with_name(f"{self.path.name}.unreadable")
        with suppress(OSError):
            self.path.replace(aside)
        return (
            f"The recording of the tests in {self.path} {error}. It was renamed to {aside.name}, "
            "and every test counts as new."
        )
