"""Decides whether a project's migrations can run with models that are rendered on demand."""

from __future__ import annotations

import functools
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

VERSIONS: Final = frozenset({(4, 2), (5, 2), (6, 0), (6, 1)})
"""The releases of Django whose code for migrations was reviewed and compared."""


HARMLESS: Final = frozenset(
    {"__class_getitem__", "base_manager", "default_manager", "managers", "managers_map"}
)
"""Attributes that packages replace without changing what is rendered, or when.

Type annotations use the first (django-stubs-ext); the others are computed for each model when they
are asked for (django-polymorphic).
"""


def obstacle() -> str:
    """Why Django's own way is needed, as the end of a sentence; an empty string if it is not.

    Projects and packages replace parts of Django, which may do more then, or something else.
    """
    import django
    from django.core.management import get_commands
    from django.core.management.commands import migrate
    from django.db.migrations import executor
    from django.db.migrations.state import ProjectState

    if django.VERSION[:2] not in VERSIONS:
        return f"Django {'.'.join(map(str, django.VERSION[:2]))} is not supported"
    command = get_commands().get("migrate")
    if command != "django.core":
        name = command if isinstance(command, str) else type(command).__module__
        return f"{name} has its own migrate command"
    kinds: tuple[tuple[Any, str, Any], ...] = (
        (migrate, "MigrationExecutor", executor.MigrationExecutor),
        (executor, "ProjectState", ProjectState),
    )
    for module, name, kind in kinds:
        if getattr(module, name) is not kind:
            return f"{getattr(module, name).__module__} replaces {name}"
    for owner in _used_classes():
        for name, value in vars(owner).items():
            for function in _functions(value) if name not in HARMLESS else ():
                if not is_known(function.__code__.co_filename):
                    return f"{function.__globals__['__name__']} replaces {owner.__name__}.{name}"
    return ""


def _used_classes() -> Iterator[type]:
    """The classes of Django that decide what migrations do."""
    from django.apps.registry import Apps
    from django.core.management.commands import migrate
    from django.db import connections
    from django.db.migrations import Migration, executor, operations
    from django.db.migrations.state import AppConfigStub, ModelState, ProjectState, StateApps
    from django.db.models.options import Options

    yield from (Apps, AppConfigStub, StateApps, ModelState, ProjectState, Options)
    yield from (Migration, executor.MigrationExecutor, migrate.Command)
    for name in operations.__all__:
        yield from _of_django(getattr(operations, name))
    for connection in connections.all():
        if connection.SchemaEditorClass is not None:
            yield from _of_django(connection.SchemaEditorClass)


def _of_django(kind: type) -> Iterator[type]:
    """The classes among a class and its bases that are Django's."""
    return (base for base in kind.__mro__ if base.__module__.startswith("django."))


def _functions(value: Any) -> Iterator[Any]:
    """The functions that an attribute of a class consists of."""
    if isinstance(value, property):
        parts = [value.fget, value.fset, value.fdel]
    else:
        parts = [getattr(value, name, None) for name in ("__func__", "__wrapped__", "func")]
    yield from (part for part in (value, *parts) if hasattr(part, "__code__"))


@functools.cache
def is_known(file: str) -> bool:
    """Whether a file belongs to Django, to this package, or to Python itself."""
    import django

    folders = [str(Path(django.__file__).parent), str(Path(__file__).parents[1])]
    library = sysconfig.get_paths()["stdlib"]
    is_python_s = file.startswith((f"{library}/", "<")) and "-packages/" not in file
    return is_python_s or file.startswith(tuple(f"{folder}/" for folder in folders))
