"""Observes globals of modules and attributes of classes: what tests set, and what they patch."""

from __future__ import annotations

import sys
import types
import unittest
from collections.abc import Collection, Iterator
from typing import Any, Final

from ctest_containers.hunt.state.facts import PATCHES, Fact, Key
from ctest_containers.hunt.state.values import (
    CACHED,
    FUNCTIONS,
    Identity,
    is_a,
    is_installed,
    name_of,
    shown_as,
    token,
    variables,
)

SKIPPED: Final = frozenset(
    {"_abc_impl", "_meta", "cls_atomics", "_class_cleanups", "_overridden_settings"}
)
"""Attributes of classes that Python and Django themselves change."""


def observe(modules: Collection[str]) -> Iterator[tuple[Key, Fact]]:
    """Yield facts about modules and classes, of the project and of packages that it uses.

    Of packages, only functions and classes are observed that exist before the first test: what
    else changes there are their own caches.

    Args:
        modules: The names of the modules to observe.
    """
    imported = [(name, sys.modules[name]) for name in modules if name in sys.modules]
    own = {name: module for name, module in imported if _is_of_project(name, module)}
    packages = tuple({name.partition(".")[0] for name in own})
    for name, module in imported:
        if name.partition(".")[0] == "ctest_containers" or not variables(module):
            continue
        if name in own:
            yield from _own_module(name, module, packages)
        else:
            yield from _package_module(name, module)


def _is_of_project(name: str, module: types.ModuleType) -> bool:
    file: Any = variables(module).get("__file__")
    if not is_a(file, str) or name in {"__main__", "__mp_main__"}:
        return False
    own = name.partition(".")[0] == "ctest_containers"
    return not own and not is_installed(file)


def _own_module(
    module_name: str, module: types.ModuleType, packages: tuple[str, ...]
) -> Iterator[tuple[Key, Fact]]:
    for name, value in list(variables(module).items()):
        if _is_hidden(name) or is_a(value, types.ModuleType):
            continue
        dotted = f"{module_name}.{name}"
        if is_a(value, type):
            yield Key("module globals", dotted), Fact(Identity(value), name_of(value))
            if value.__module__ == module_name:
                yield from _class(value, packages)
        elif is_a(value, CACHED):
            count = value.cache_info().currsize
            yield Key("module globals", dotted), Fact((Identity(value), count), f"{count} cached")
        elif is_a(value, *FUNCTIONS):
            yield Key("module globals", dotted), Fact(Identity(value))
        else:
            fact = Fact(token(value, into=packages), shown_as(name, value))
            yield Key("module globals", dotted), fact


def _package_module(module_name: str, module: types.ModuleType) -> Iterator[tuple[Key, Fact]]:
    for name, value in list(variables(module).items()):
        if _is_hidden(name):
            continue
        dotted = f"{module_name}.{name}"
        if is_a(value, type):
            yield Key(PATCHES, dotted), Fact(Identity(value), is_lazy=True)
            if value.__module__ == module_name:
                for attribute, part in list(vars(value).items()):
                    if not _is_hidden(attribute) and is_a(part, *FUNCTIONS):
                        key = Key(PATCHES, f"{dotted}.{attribute}")
                        yield key, Fact(Identity(part), is_lazy=True)
        elif is_a(value, *FUNCTIONS):
            yield Key(PATCHES, dotted), Fact(Identity(value), is_lazy=True)


def _class(kind: type, packages: tuple[str, ...]) -> Iterator[tuple[Key, Fact]]:
    # Fixtures set attributes of test classes, which no other class sees.
    is_test = issubclass(kind, unittest.TestCase)
    for name, value in list(vars(kind).items()):
        if _is_hidden(name) or name in SKIPPED:
            continue
        key = Key("class attributes", f"{kind.__module__}.{kind.__qualname__}.{name}")
        if is_a(value, *FUNCTIONS):
            yield key, Fact(Identity(value), is_lazy=is_test)
        else:
            yield key, Fact(token(value, into=packages), shown_as(name, value), is_lazy=is_test)


def _is_hidden(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
