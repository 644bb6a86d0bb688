"""Observes a process between its tests, and writes what they have left behind to a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

from ctest_containers.hunt.state import code, framework, interpreter
from ctest_containers.hunt.state.facts import Change, Key, Snapshot
from ctest_containers.hunt.state.facts import changes as differences
from ctest_containers.model import SQLITE
from ctest_containers.project.connections import save_sqlite
from ctest_containers.project.suite import Batch

CHANGES: Final = "changes.json"


@dataclass(frozen=True, slots=True)
class Observation:
    """A snapshot.

    Attributes:
        after: The test or the fixtures that ran since the last one.
        modules: The modules that were imported by then.
    """

    after: str
    snapshot: Snapshot
    modules: frozenset[str] = frozenset()


_observations: list[Observation] = []
"""What was observed in this process so far."""


class Observer:
    """Stands between the tests of a suite, and takes a snapshot when it is run.

    unittest takes it for a suite, because it can be iterated, and therefore runs no fixtures for
    it.

    Args:
        after: See `Observation`.
        folder: Where the command was started; files are named relative to it.
        target: The folder for the changes and the SQLite databases; None if more tests follow.
        aliases: The databases that tests may use.
    """

    def __init__(
        self, after: str, folder: Path, target: Path | None = None, aliases: Collection[str] = ()
    ) -> None:
        self._after = after
        self._folder = folder
        self._target = target
        self._aliases = aliases

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __call__(self, result: object) -> None:
        """Take a snapshot."""
        del result
        # What a module is when it is first imported is no change.
        modules = _observations[0].modules if _observations else frozenset(sys.modules)
        facts = chain(
            interpreter.observe(),
            framework.observe(self._folder),
            code.observe(modules),
        )
        _observations.append(Observation(self._after, dict(facts), modules))
        if self._target is not None:
            changes = left_behind(_observations, self._folder)
            content = json.dumps([asdict(change) for change in changes])
            (self._target / CHANGES).write_text(content, encoding="utf-8")
            _save_sqlite(self._aliases, self._target)

    def id(self) -> str:
        """Return a name, as for a test."""
        return f"after {self._after}"


def _save_sqlite(aliases: Collection[str], target: Path) -> None:
    """Save the SQLite databases, which only this process may be able to read."""
    from django.db import connections

    for alias in aliases:
        if connections[alias].vendor == SQLITE:
            save_sqlite(alias, sqlite_file(target, alias))


def left_behind(observations: Sequence[Observation], folder: Path) -> Iterator[Change]:
    """Yield what differs between the first and the last snapshot, and what has changed it."""
    for change in differences(observations[0].snapshot, observations[-1].snapshot, folder):
        key = Key(change.kind, change.name)
        tests = tuple(
            after.after
            for before, after in pairwise(observations)
            if _token(before.snapshot, key) != _token(after.snapshot, key)
        )
        yield replace(change, tests=tests)


def _token(snapshot: Snapshot, key: Key) -> Any:
    fact = snapshot.get(key)
    return None if fact is None else (fact.token,)


def observed(
    batches: Sequence[Batch], aliases: Collection[str], folder: Path, target: Path
) -> list[Batch]:
    """Return batches with observers before, between and after their tests.

    Args:
        aliases: The databases that tests may use.
        folder: Where the command was started.
        target: The folder that receives the changes and the SQLite databases.
    """
    if len(batches) == len(batches[0].tests) == 1:
        # What has changed is certainly due to this test or its fixtures.
        test: Any = batches[0].tests[0]
        tests: list[Any] = [Observer("", folder), test]
        end: Any = Observer(test.id(), folder, target, aliases)
        return [replace(batches[0], tests=tests), replace(batches[0], number=1, tests=[end])]
    parts: list[Batch] = []
    after = ""
    for batch in batches:
        tests = [Observer(after, folder)]
        for test in batch.tests:
            tests += [test, Observer(test.id(), folder)]
        parts.append(replace(batch, tests=tests))
        kind = type(batch.tests[-1])
        after = f"the fixtures of {kind.__module__}.{kind.__qualname__}"
    end = Observer(after, folder, target, aliases)
    return [*parts, replace(batches[-1], number=len(batches), tests=[end])]


def sqlite_file(target: Path, alias: str) -> Path:
    """Return the file in which an observer saves the SQLite database of an alias."""
    return target / f"{alias}.sqlite3"


def read(target: Path) -> list[Change]:
    """Return the changes that an observer has written; none if it was not reached."""
    try:
        content = json.loads((target / CHANGES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [Change(**{**change, "tests": tuple(change["tests"])}) for change in content]
