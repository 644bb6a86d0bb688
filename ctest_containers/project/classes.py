"""Finds the classes whose methods Django calls when it creates a project's databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

PARTS: Final = (
    *("SchemaEditorClass", "creation_class", "features_class", "introspection_class", "ops_class"),
)
"""Attributes of a database's backend that hold its helpers."""


def building_classes(aliases: Iterable[str]) -> Iterator[type]:
    """The classes of routers, backends, and of the parts of models and migrations.

    Their bases are included: a method that a base gets may be called, and an attribute read.
    """
    from django.apps import apps
    from django.db import connections, router
    from django.db.migrations.loader import MigrationLoader

    kinds: set[type] = {type(installed) for installed in router.routers}
    for alias in aliases:
        backend = type(connections[alias])
        kinds |= {backend, *(getattr(backend, name) for name in PARTS)}
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        kinds |= _kinds([*meta.local_fields, *meta.indexes, *meta.constraints])
    loader = MigrationLoader(None, load=False)
    # The migrations have been imported.
    loader.load_disk()
    for migration in loader.disk_migrations.values():
        kinds |= _kinds(migration.operations)
    yield from {base for kind in kinds for base in kind.__mro__}


def _kinds(values: Iterable[Any]) -> set[type]:
    """The classes of values, and of everything in them."""
    kinds: set[type] = set()
    seen: dict[int, Any] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, type):
            kinds.add(value)
        elif hasattr(type(value), "deconstruct"):
            kinds.add(type(value))
            # Django does not use these in a build, and their attributes may run any code.
            with suppress(Exception):
                _, *parts = value.deconstruct()
                waiting += parts
    return kinds
