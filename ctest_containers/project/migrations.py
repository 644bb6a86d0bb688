"""Reads a project's migrations, their files and their graph, without a database."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctest_containers.recording.digests import LITTER


@dataclass(frozen=True, slots=True)
class MigrationsPackage:
    """The migrations of an app.

    Attributes:
        name: The name of the package, such as `shop.migrations`.
    """

    name: str
    folder: Path

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The contents of every file by its path: the migrations, and files that they may read.

        Their graph is part of their text, so the order of names stands for the order of the graph.
        """
        start = len(self.folder.as_posix()) + 1
        for file in sorted(self.folder.rglob("*")):
            # `relative_to` would take half of the time.
            relative = file.as_posix()[start:]
            parts = relative.split("/")
            hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
            if not hidden and not relative.endswith(LITTER) and file.is_file():
                yield relative, file.read_bytes()


def find_migrations(label: str, app: str, modules: Mapping[str, Any]) -> MigrationsPackage | None:
    """The migrations of an app, found without importing them; None if it has none."""
    # Some projects set an object that answers for every app, without a method `get`.
    name = modules[label] if label in modules else f"{app}.migrations"  # noqa: SIM401
    folder = None if name is None else _package_folder(name)
    return None if folder is None else MigrationsPackage(name, folder)


def migrations_of(aliases: Sequence[str]) -> list[str]:
    """The migrations that a complete database has applied, such as `shop.0007_x`, in order.

    Those that a squashed migration replaces are left out, as in Django.

    Args:
        aliases: The aliases of the database; the first one creates it.
    """
    from django.db import connections

    if connections.settings[aliases[0]]["TEST"]["MIGRATE"] is False:
        return []
    return [name_of(key) for key in _plan(_loader().graph)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan by which an empty database is migrated.

    Attributes:
        steps: The migrations, such as `shop.0007_x`, in order.
        with_data: Migrations that may read or write rows.
        of_rows: Migrations that do nothing else.
        altering: Migrations that change or remove what earlier ones have created.
        targets: The apps whose models each migration refers to.
        fixed: Migrations with `run_before`.
        sharing: Migrations that may use tables of other apps.
        has_squashed: Whether one of them replaces others.
    """

    steps: tuple[str, ...]
    with_data: frozenset[str] = frozenset()
    of_rows: frozenset[str] = frozenset()
    altering: frozenset[str] = frozenset()
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    sharing: frozenset[str] = frozenset()
    has_squashed: bool = False

    def misplaced(self, applied: Sequence[str], *, is_watched: bool = False) -> list[str]:
        """The steps that must not be applied after the applied ones.

        They come before one of these in the plan, and the result may depend on which of them comes
        first: a table's columns have an order, and so have changes of rows.

        Args:
            applied: Some of the steps, in the order in which they were applied.
            is_watched: Whether the tables that each migration uses are known. Then the caller has
                to check whether the order of reading and writing rows matters.
        """
        done = frozenset(applied)
        order = [*applied, *(name for name in self.steps if name not in done)]
        position = {name: number for number, name in enumerate(self.steps)}
        # A migration that changes both models and rows keeps its position.
        mixed = self.with_data - self.of_rows
        watched = {*self.steps} - done - mixed if is_watched else frozenset[str]()
        misplaced = []
        highest = -1
        for number, name in enumerate(order):
            if position[name] < highest:
                passed = (other for other in order[:number] if position[other] > position[name])
                if any(not self._may_follow(name, other, name in watched) for other in passed):
                    misplaced.append(name)
            highest = max(highest, position[name])
        return misplaced

    def _may_follow(self, name: str, other: str, is_watched: bool) -> bool:  # noqa: FBT001
        """Whether a migration may be applied after one that comes later in the plan."""
        app, other_app = name.partition(".")[0], other.partition(".")[0]
        if self.has_squashed or app == other_app or not self.fixed.isdisjoint({name, other}):
            return False
        if not self.with_data.isdisjoint({name, other}):
            return is_watched
        if not self.sharing.isdisjoint({name, other}):
            return False
        return not (name in self.altering and app in self.targets.get(other, ())) and not (
            other in self.altering and other_app in self.targets.get(name, ())
        )


def read_plan(_: Iterable[str] = ()) -> Plan:
    """Import today's migrations, and read their plan."""
    loader = _loader()
    steps = {name_of(key): loader.graph.nodes[key] for key in _plan(loader.graph)}
    return Plan(
        steps=tuple(steps),
        with_data=frozenset(name for name, migration in steps.items() if has_data(migration)),
        of_rows=frozenset(name for name, migration in steps.items() if has_only_rows(migration)),
        altering=frozenset(name for name, migration in steps.items() if not _only_adds(migration)),
        targets={name: frozenset(_targets(migration)) for name, migration in steps.items()},
        fixed=frozenset(name for name, migration in steps.items() if migration.run_before),
        sharing=frozenset(name for name, migration in steps.items() if _may_share(migration)),
        has_squashed=any(migration.replaces for migration in steps.values()),
    )


def has_data(migration: Any) -> bool:
    """Whether a migration may read or write rows, so that its position matters."""
    from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState

    def is_data(operation: Any) -> bool:
        if isinstance(operation, SeparateDatabaseAndState):
            return any(map(is_data, operation.database_operations))
        if any(map(_has_own_default, _fields_of(operation))):
            return True
        plain = type(operation).__module__.startswith("django.")
        return isinstance(operation, (RunPython, RunSQL)) or not plain

    return _is_own(migration) or any(map(is_data, migration.operations))


def _is_own(migration: Any) -> bool:
    """Whether a migration overrides how it is applied."""
    from django.db.migrations import Migration

    return type(migration).apply is not Migration.apply


def _may_share(migration: Any) -> bool:
    """Whether a migration names tables explicitly, as another app may do."""
    from django.db.migrations.operations import AlterModelTable, SeparateDatabaseAndState

    if type(migration).__module__.startswith("django."):
        return False
    return any(
        isinstance(operation, (AlterModelTable, SeparateDatabaseAndState))
        or "db_table" in (getattr(operation, "options", None) or {})
        for operation in migration.operations
    )


def has_only_rows(migration: Any) -> bool:
    """Whether a migration only runs functions and statements, and changes no model."""
    from django.db.migrations.operations import RunPython, RunSQL

    return not _is_own(migration) and all(
        type(operation) is RunPython
        or (type(operation) is RunSQL and not operation.state_operations)
        for operation in migration.operations
    )


def _only_adds(migration: Any) -> bool:
    """Whether a migration only adds to what earlier ones have created."""
    from django.db.migrations import operations

    adding = (operations.CreateModel, operations.AddField, operations.AddIndex)
    harmless = (operations.AddConstraint, operations.AlterModelOptions)
    return all(type(operation) in {*adding, *harmless} for operation in migration.operations)


def _targets(migration: Any) -> Iterator[str]:
    """The apps that the fields and bases of a migration refer to."""
    for operation in migration.operations:
        for model_field in _fields_of(operation):
            _, _, _, options = model_field.deconstruct()
            for name in ("to", "through"):
                if target := options.get(name):
                    label = target if isinstance(target, str) else target._meta.label
                    yield label.lower().rpartition(".")[0] or migration.app_label
        for base in getattr(operation, "bases", ()):
            if isinstance(base, str):
                yield base.lower().rpartition(".")[0]


def _fields_of(operation: Any) -> list[Any]:
    fields = [
        *(field for _, field in getattr(operation, "fields", ())),
        getattr(operation, "field", None),
    ]
    return [field for field in fields if hasattr(field, "deconstruct")]


def _has_own_default(field: Any) -> bool:
    """Whether a field's default is a function that may read rows."""
    default = getattr(field, "default", None)
    top = str(getattr(default, "__module__", "")).partition(".")[0]
    return callable(default) and top not in {"django", "builtins", *sys.stdlib_module_names}


def _loader() -> Any:
    """A loader of all migrations, with none of them applied."""
    from django.db.migrations.loader import MigrationLoader

    return MigrationLoader(None, ignore_no_migrations=True)


def _plan(graph: Any) -> list[tuple[str, str]]:
    """All migrations, in the order of `MigrationExecutor.migration_plan`."""
    steps = [step for target in graph.leaf_nodes() for step in graph.forwards_plan(target)]
    return list(dict.fromkeys(steps))


def name_of(key: tuple[str, str]) -> str:
    """The name of a migration: `shop.0007_x`."""
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
    # As in Django's loader, a folder without __init__.py is not a package of migrations.
    return folder if (folder / "__init__.py").exists() or spec.origin is not None else None
