"""A project's migrations: their files, and the graph that they make; no database is asked."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctest_containers.project.hooks import has_own_receivers
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
    return [_name(key) for key in _plan(_loader().graph)]


def history_rewriters(names: Iterable[str]) -> list[str]:
    """Those of some new migrations that an empty database would get before older ones of their app.

    Also those that replace others, and those with data that would come before older ones with data,
    of whatever app; all with data where the project's own receivers fill tables after the last
    migration. Added to a database that has the older ones, they might leave it different: a table's
    columns have an order, and so have changes of rows.

    Args:
        names: Such as `shop.0007_x`.
    """
    loader = _loader()
    new = set(names)
    found = {
        name
        for key, one in loader.disk_migrations.items()
        if (name := _name(key)) in new and (one.replaces or one.run_before)
    }
    older: set[str] = set()
    older_data = has_own_receivers()
    for key in reversed(_plan(loader.graph)):
        name, has_data = _name(key), _has_data(loader.disk_migrations[key])
        if name not in new:
            older.add(key[0])
            older_data = older_data or has_data
        elif key[0] in older or (has_data and older_data):
            found.add(name)
    return sorted(found)


def _has_data(migration: Any) -> bool:
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


def _name(key: tuple[str, str]) -> str:
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
