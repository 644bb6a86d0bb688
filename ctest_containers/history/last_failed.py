"""Keeps which tests of a project failed when they last ran.

The file is separate from the event logs, which are pruned and may be switched off. It has an entry
for each settings module, because a project may run its tests on several.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from ctest_containers.storage import cache_folder, replace_text
from ctest_containers.text import slug

FORMAT: Final = "ctest-containers-last-failed"
VERSION: Final = 1

LOCK_SECONDS: Final = 5.0
"""How long to wait for another run that writes the file."""

UNLOADED: Final = "unittest.loader._FailedTest."
"""Begins the id of what stands for a module that cannot be imported."""


@dataclass(frozen=True, slots=True)
class LastFailed:
    """What failed when it last ran.

    Attributes:
        tests: The ids of tests.
        owners: The dotted names of classes and modules whose fixtures failed, and of modules that
            could not be imported.
    """

    tests: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All names."""
        return self.tests | self.owners

    def has(self, test_id: str) -> bool:
        """Return whether a test failed, or its class or module did."""
        # It may now be impossible to import a module whose tests failed; its placeholder may have
        # only the last part of its name.
        if test_id.startswith(UNLOADED):
            return True
        return test_id in self.tests or not self.owners.isdisjoint(owners_of(test_id))

    def known_by(self, test_id: str) -> set[str]:
        """Return the names that a test shows to exist."""
        if test_id.startswith(UNLOADED):
            module = test_id.removeprefix(UNLOADED)
            return {name for name in self.names if f".{module}." in f".{name}."}
        return {name for name in (test_id, *owners_of(test_id)) if name in self.names}


@dataclass(slots=True)
class LastOutcomes:
    """What became of the tests of one run.

    Attributes:
        ended: The ids of the tests that ended.
        failed: The ids of those that failed.
        failed_owners: See `LastFailed.owners`.
        skipped_owners: The dotted names of classes and modules that were skipped as a whole.
        gone: Names that no longer exist.
    """

    ended: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    failed_owners: set[str] = field(default_factory=set)
    skipped_owners: set[str] = field(default_factory=set)
    gone: Collection[str] = ()

    def applied_to(self, before: LastFailed) -> LastFailed:
        """Return what has failed by now; what did not run keeps its state."""
        ran = {owner for test_id in self.ended for owner in owners_of(test_id)}
        skipped = {
            name
            for name in before.names
            if not self.skipped_owners.isdisjoint((name, *owners_of(name)))
        }
        settled = self.ended | ran | skipped | {*self.gone}
        return LastFailed(
            (before.tests - settled) | self.failed, (before.owners - settled) | self.failed_owners
        )


@dataclass(frozen=True, slots=True)
class LastFailedFile:
    """The file of a project, which several runs may read and write, one at a time.

    Attributes:
        settings: The settings module, whose entry is meant.
    """

    path: Path
    settings: str

    @classmethod
    def of(cls, project: str, settings: str) -> LastFailedFile:
        """Return the file in the user's cache folder."""
        return cls(cache_folder() / "last-failed" / f"{slug(project)}.json", settings)

    def read(self) -> LastFailed | None:
        """Return what failed; None if no run is on record."""
        entry = self._entries().get(self.settings)
        return None if entry is None else _last_failed(entry)

    def update(self, outcomes: LastOutcomes) -> str:
        """Add the outcomes of a run, and return a warning if that fails."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                entries = dict(self._entries())
                before = _last_failed(entries.get(self.settings) or {})
                now = outcomes.applied_to(before)
                entries[self.settings] = {
                    "tests": sorted(now.tests),
                    "owners": sorted(now.owners),
                }
                content = {"format": FORMAT, "version": VERSION, "settings": entries}
                replace_text(self.path, json.dumps(content))
        except (OSError, Timeout) as error:
            return f"The list of failed tests cannot be written to {self.path}: {error}."
        return ""

    def _entries(self) -> Mapping[str, Any]:
        """Return the entries by settings module; a file that is not valid has none."""
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if (content["format"], content["version"]) == (FORMAT, VERSION):
                return dict(content["settings"])
        return {}


def _last_failed(entry: Any) -> LastFailed:
    try:
        return LastFailed(
            frozenset(map(str, entry.get("tests", ()))),
            frozenset(map(str, entry.get("owners", ()))),
        )
    except (AttributeError, TypeError):
        return LastFailed()


def owners_of(test_id: str) -> list[str]:
    """Return the class and the modules in a test's id."""
    parts = test_id.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
