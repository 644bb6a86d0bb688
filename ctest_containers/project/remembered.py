"""What Django remembers of a server that a connection led to before."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any, Final

PARTS: Final = ("features", "ops", "introspection", "creation", "client", "validation")
"""The parts of a connection, each of which may remember something."""

CACHING_MODULES: Final = ("django.contrib.postgres.signals",)
"""Modules whose functions remember what the server of an alias has answered."""


def forget_server(connection: Any) -> None:
    """Forget what was read from the server that an alias led to, and rows that are in memory.

    In a serial run, the tables of a test database are made in the process that runs the tests, so
    that Django forgets content types and sites of other databases as well.
    """
    from django.utils.functional import cached_property

    for part in (connection, *(getattr(connection, name, None) for name in PARTS)):
        for name in list(getattr(part, "__dict__", ())):
            kept = inspect.getattr_static(type(part), name, None)
            if isinstance(kept, (cached_property, functools.cached_property)):
                del part.__dict__[name]
    # PostGIS keeps the types of each alias's server with the class.
    for types in getattr(connection, "_type_infos", {}).values():
        types.pop(connection.alias, None)
    for module in filter(None, map(sys.modules.get, CACHING_MODULES)):
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()
    _forget_rows(connection.alias)


def _forget_rows(alias: str) -> None:
    from django.apps import apps

    if not apps.models_ready:
        return
    if apps.is_installed("django.contrib.contenttypes"):
        apps.get_model("contenttypes", "ContentType").objects._cache.pop(alias, None)
    if apps.is_installed("django.contrib.sites"):
        apps.get_model("sites", "Site").objects.clear_cache()
