"""The folder in which a project's failures are kept."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.errors import UsageError
from ctest_containers.failures.model import KeptFailure, repeat_command
from ctest_containers.storage import cache_folder, replace_text
from ctest_containers.text import DAY_SECONDS, size, slug

FACTS: Final = "failure.json"
"""The file that makes a folder a kept failure; it is written last."""

KEPT_BYTES: Final = 2**30
"""How much all failures of a project may take together."""

KEPT_DAYS: Final = 14.0
"""How long a failure is kept."""

UNFINISHED_SECONDS: Final = 3600.0
"""After this time, a folder without `FACTS` was left by a run that was killed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A failure, and where it is kept."""

    failure: KeptFailure
    folder: Path

    @property
    def size(self) -> int:
        """What it takes on disk, in bytes."""
        return sum(file.stat().st_size for file in self.folder.iterdir())


@dataclass(frozen=True, slots=True)
class FailureStore:
    """The failures of one project."""

    folder: Path

    @classmethod
    def of(cls, project: str, cache: Path | None = None) -> FailureStore:
        """Return the store of a project.

        Args:
            cache: The toolkit's cache folder; by default, that of this user.
        """
        return cls((cache or cache_folder()) / "failures" / slug(project))

    @classmethod
    def every(cls) -> list[FailureStore]:
        """Return the stores of all projects."""
        return [cls(folder) for folder in sorted((cache_folder() / "failures").glob("*/"))]

    def new(self, name: str) -> Path:
        """Make the folder of a failure, which counts once `add` has described it.

        Raises:
            OSError: It cannot be made.
        """
        folder = self.folder / name
        # It holds the contents of databases.
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        return folder

    def add(self, failure: KeptFailure) -> Stored:
        """Describe a failure whose other files are complete.

        Raises:
            OSError: It cannot be written.
        """
        folder = self.folder / failure.name
        replace_text(folder / FACTS, failure.to_json(), private=True)
        return Stored(failure, folder)

    def all(self) -> list[Stored]:
        """Return all failures, the latest first."""
        return sorted(self._readable(), key=lambda stored: -stored.failure.kept_at)

    def matching(self, test: str) -> list[Stored]:
        """Return the failures of the tests whose names match, the latest first; see `find`."""
        return [stored for stored in self.all() if _matches(stored.failure, test)]

    def find(self, test: str = "") -> Stored:
        """Return the latest failure of a test, or of the first test whose name matches.

        Args:
            test: The beginning of its name, of the last parts of its name, or of the failure's own
                name; the latest failure of all for an empty string.

        Raises:
            UsageError: There is none, or several tests match.
        """
        kept = self.all()
        if not kept:
            raise UsageError(
                "No failure is kept for this project.",
                "Run the tests with --keep-failed: when a test fails, its databases are kept.",
            )
        matching = self.matching(test)
        exact = [stored for stored in matching if stored.failure.test_id == test]
        names = sorted({stored.failure.test_id for stored in exact or matching})
        if test and len(names) > 1:
            raise UsageError(
                f"{test!r} matches the failures of several tests: {', '.join(names)}.",
                "Write more of the test's name.",
            )
        if not matching:
            raise UsageError(
                f"No failure of {test!r} is kept.",
                "Run python -m ctest_containers failures to list those that are. A failure that "
                f"was removed can be repeated: {repeat_command(test)}",
            )
        return (exact or matching)[0]

    def remove(self, stored: Stored) -> None:
        """Remove a failure; one that is gone already is no error."""
        # Without this file, no other process takes the rest for a failure.
        with suppress(OSError):
            (stored.folder / FACTS).unlink(missing_ok=True)
        shutil.rmtree(stored.folder, ignore_errors=True)

    def surplus(
        self,
        *,
        max_bytes: int = KEPT_BYTES,
        days: float = KEPT_DAYS,
        now: float | None = None,
    ) -> list[tuple[Stored, str]]:
        """Return the failures that exceed the limits, the latest first, and why."""
        moment = time.time() if now is None else now
        taken, excess = 0, []
        for stored in self.all():
            with suppress(OSError):
                taken += stored.size
            age = moment - stored.failure.kept_at
            if age > days * DAY_SECONDS:
                excess.append((stored, f"kept {age / DAY_SECONDS:.0f} days ago"))
            elif taken > max_bytes:
                excess.append((stored, f"failures take more than {size(max_bytes)}"))
        return excess

    def prune(
        self,
        *,
        max_bytes: int = KEPT_BYTES,
        days: float = KEPT_DAYS,
        now: float | None = None,
    ) -> Sequence[Stored]:
        """Remove the failures that exceed the limits, and return them.

        What a killed run has left unfinished is removed, too.
        """
        moment = time.time() if now is None else now
        removed = [stored for stored, _ in self.surplus(max_bytes=max_bytes, days=days, now=moment)]
        for stored in removed:
            self.remove(stored)
        self.remove_unfinished(now=moment)
        return removed

    def remove_unfinished(
        self, *, seconds: float = UNFINISHED_SECONDS, now: float | None = None
    ) -> list[Path]:
        """Remove the folders that a killed run has left unfinished, and return them.

        Args:
            seconds: How old they are at least; a run may be writing a newer one.
        """
        moment, removed = time.time() if now is None else now, []
        for folder in self._folders():
            with suppress(OSError):
                age = moment - folder.stat().st_mtime
                if not (folder / FACTS).exists() and age > seconds:
                    shutil.rmtree(folder, ignore_errors=True)
                    removed.append(folder)
        return removed

    def _folders(self) -> list[Path]:
        try:
            return [folder for folder in self.folder.iterdir() if folder.is_dir()]
        except OSError:
            return []

    def _readable(self) -> Iterator[Stored]:
        for folder in self._folders():
            with suppress(OSError, ValueError):
                facts = (folder / FACTS).read_text(encoding="utf-8")
                yield Stored(KeptFailure.from_json(facts), folder)


def is_name_of(test_id: str, test: str) -> bool:
    """Return whether a test is named by the beginning of its name, or of the last parts of it."""
    parts = test_id.split(".")
    return any(".".join(parts[number:]).startswith(test) for number in range(len(parts)))


def _matches(failure: KeptFailure, test: str) -> bool:
    return failure.name.startswith(test) or is_name_of(failure.test_id, test)
