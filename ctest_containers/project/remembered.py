"""Keeps what Django remembers about the server of a connection, or forgets it."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from ctest_containers.backends import BACKENDS
from ctest_containers.fingerprint.state import describe_state

PARTS: Final = ("features", "ops", "introspection", "creation", "client", "validation")
"""The parts of a connection that cache facts about the server."""

CACHING_MODULES: Final = ("django.contrib.postgres.signals",)
"""Modules whose functions cache answers of an alias's server."""


OPTIONS: Final = "OPTIONS"
"""The key of the digest of a connection's options."""


def facts_of(connection: Any) -> dict[str, str]:
    """The facts that a connection and its features have cached, as texts for another process.

    In a serial run, the process that has migrated a database runs the tests. So it does not query
    the server's version again, and a test that allows no queries passes. What third-party backends
    remember may be secret, and is left out.
    """
    parts = (("", connection), ("features.", connection.features))
    facts = {
        f"{part}{name}": text
        for part, owner in parts
        for name in _cached(owner)
        if _is_djangos(owner, name) and (text := _as_literal(vars(owner)[name]))
    }
    return {**facts, OPTIONS: _options_of(connection)} if facts else {}


def remember_facts(connection: Any, facts: Mapping[str, str]) -> None:
    """Give a connection the facts of another one with the same options."""
    if facts.get(OPTIONS) != _options_of(connection):
        return
    for key, text in facts.items():
        part, _, name = key.rpartition(".")
        owner = connection.features if part else connection
        if _is_cached(owner, name):
            vars(owner)[name] = ast.literal_eval(text)


def _options_of(connection: Any) -> str:
    """A digest of a connection's options, as facts may depend on them."""
    given = connection.settings_dict["OPTIONS"].items()
    backend = BACKENDS.get(connection.vendor)
    # Options of the configured server do not apply to an isolated one.
    dropped = () if backend is None else backend.transport_options()
    options = describe_state({name: value for name, value in given if name not in dropped})
    return hashlib.sha256(options.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _cached(owner: Any) -> list[str]:
    """The names of cached properties that an object has computed."""
    return [name for name in getattr(owner, "__dict__", ()) if _is_cached(owner, name)]


def _is_cached(owner: Any, name: str) -> bool:
    """Whether an object has computed a cached property with this name."""
    from django.utils.functional import cached_property

    attribute = inspect.getattr_static(type(owner), name, None)
    return isinstance(attribute, (cached_property, functools.cached_property))


def _is_djangos(owner: Any, name: str) -> bool:
    """Whether a property of an object comes from a class of Django's."""
    bases = (base for base in type(owner).__mro__ if name in vars(base))
    return next(bases).__module__.startswith("django.")


def _as_literal(value: Any) -> str:
    """The `repr` of a value; an empty string if it cannot be read back."""
    text = repr(value)
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        again = ast.literal_eval(text)
        if type(again) is type(value) and again == value:
            return text
    return ""


def forget_server(connection: Any) -> None:
    """Forget facts about the server that an alias used before, and cached rows.

    In a serial run, the tables of a test database are made in the process that runs the tests, so
    that Django forgets content types and sites of other databases as well.
    """
    for part in (connection, *(getattr(connection, name, None) for name in PARTS)):
        for name in _cached(part):
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
