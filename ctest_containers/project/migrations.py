"""A project's migrations: their files, and the graph that they make; no database is asked."""

from __future__ import annotations

import functools
import importlib.util
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from ctest_containers.recording.digests import LITTER


@dataclass(frozen=True, slots=True)
class MigrationsPackage:
    """The migrations of an app.

    Attributes:
        name: That of the package, such as `shop.migrations`.
    """

    name: str
    folder: Path

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The text of every file by its path: the migrations, and what they may read.

        Their graph is part of their text, so the order of names stands for the order of the graph.
        """
        for file in sorted(self.folder.rglob("*")):
            relative = file.relative_to(self.folder)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
            if file.is_file() and not hidden and not file.name.endswith(LITTER):
                yield relative.as_posix(), file.read_bytes()


def find_migrations(label: str, app: str, modules: Mapping[str, Any]) -> MigrationsPackage | None:
    """The migrations of an app, found without importing them; None where it has none."""
    # Some projects have an object there that answers for every app; it knows no `get`.
    name = modules[label] if label in modules else f"{app}.migrations"  # noqa: SIM401
    folder = None if name is None else _package_folder(name)
    return None if folder is None else MigrationsPackage(name, folder)


def migrations_of(aliases: Sequence[str]) -> list[str]:
    """The migrations that a database must have had, such as `shop.0007_x`, in their order.

    What a squashed migration replaces is left out, as Django leaves it out.

    Args:
        aliases: Those of the database; the first one creates it.
    """
    from django.db import connections

    if connections.settings[aliases[0]]["TEST"]["MIGRATE"] is False:
        return []
    return [name_of(key) for key in _plan(_loader().graph)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an empty database is migrated.

    Attributes:
        steps: The migrations, such as `shop.0007_x`, in their order.
        known: All that there are; those that others replace are no steps.
        with_data: Those that may read or write rows.
        rewriting: Those that replace others, or ask to run before others.
    """

    steps: tuple[str, ...]
    known: frozenset[str]
    with_data: frozenset[str]
    rewriting: frozenset[str]

    def misplaced(self, applied: Sequence[str], *, late_data: bool = False) -> list[str]:
        """The steps that must not come where they do if the rest follows those that were applied.

        They come before or after others than in the plan, although they belong to the same app,
        replace others, or may read or write rows. A table's columns have an order, and so have
        changes of rows.

        Args:
            applied: Some of the steps, in the order in which they were applied.
            late_data: Whether those that may read or write rows may follow later ones; whether
                that makes a difference has to be found out then.
        """
        done = frozenset(applied)
        order = [*applied, *(name for name in self.steps if name not in done)]
        if order == [*self.steps]:
            return []
        place = {name: number for number, name in enumerate(self.steps)}
        moved = _inversions([place[name] for name in order])
        with_data = self.with_data
        if late_data and self.with_data.isdisjoint(self._moved_within(applied)):
            with_data = frozenset()
        of_apps: dict[str, list[int]] = defaultdict(list)
        for name in order:
            of_apps[name.partition(".")[0]].append(place[name])
        within_apps = {number for numbers in of_apps.values() for number in _inversions(numbers)}
        return [
            name
            for name in self.steps
            if place[name] in within_apps
            or (place[name] in moved and name in with_data | self.rewriting)
        ]

    def _moved_within(self, applied: Sequence[str]) -> set[str]:
        """Those that were applied before or after others than in the plan."""
        moved = _inversions([self.steps.index(name) for name in applied])
        return {self.steps[number] for number in moved}


def _inversions(numbers: Sequence[int]) -> set[int]:
    """The numbers that come after a higher or before a lower one."""
    highest = accumulate(numbers, max)
    lowest = reversed([*accumulate(reversed(numbers), min)])
    return {
        number
        for number, high, low in zip(numbers, highest, lowest, strict=True)
        if low < number or number < high
    }


def read_plan(_: Iterable[str] = ()) -> Plan:
    """The plan of today's migrations, which are imported."""
    loader = _loader()
    disk = loader.disk_migrations.items()
    return Plan(
        steps=tuple(map(name_of, _plan(loader.graph))),
        known=frozenset(name_of(key) for key, _ in disk),
        with_data=frozenset(name_of(key) for key, one in disk if has_data(one)),
        rewriting=frozenset(name_of(key) for key, one in disk if one.replaces or one.run_before),
    )


def has_data(migration: Any) -> bool:
    """Whether a migration may read or write rows, so that its place among others' counts."""
    from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState

    def is_data(operation: Any) -> bool:
        if isinstance(operation, SeparateDatabaseAndState):
            return any(map(is_data, operation.database_operations))
        plain = type(operation).__module__.startswith("django.")
        return isinstance(operation, (RunPython, RunSQL)) or not plain

    return any(map(is_data, migration.operations))


def _loader() -> Any:
    """All migrations as files, with none of them applied."""
    from django.db.migrations.loader import MigrationLoader

    return MigrationLoader(None, ignore_no_migrations=True)


def _plan(graph: Any) -> list[tuple[str, str]]:
    """As `MigrationExecutor.migration_plan` orders a full migration."""
    steps = [step for target in graph.leaf_nodes() for step in graph.forwards_plan(target)]
    return list(dict.fromkeys(steps))


def name_of(key: tuple[str, str]) -> str:
    """The name of a migration by which it is known here: `shop.0007_x`."""
    return ".".join(key)


@functools.cache
def _package_folder(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)))
    # As Django's loader: a folder without __init__.py is not a package of migrations.
    return folder if (folder / "__init__.py").exists() or spec.origin is not None else None
