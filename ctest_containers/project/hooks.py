"""The code that is called when a database is migrated, besides migrations."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from types import MethodType
from typing import Any, Final

SIGNALS: Final = ("pre_migrate", "post_migrate")

COMMANDS: Final = ("migrate", "createcachetable")
"""Those that Django calls when it makes a test database."""

PARTS: Final = ("SchemaEditorClass", "creation_class", "introspection_class", "ops_class")
"""Attributes of a database's backend: the classes that do its work."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Something that is called.

    Attributes:
        called_for: What else than its name counts.
        modules: Those whose text decides what it does.
    """

    name: str
    called_for: tuple[str, ...]
    modules: frozenset[str]


def import_management() -> None:
    """Let the apps connect receivers, as Django's commands do before they send a signal."""
    from django.apps import apps

    for app in apps.get_app_configs():
        _import_management_of(app.name)


def live_receivers(signal: Any, sender: Any) -> list[Any]:
    """Who is called when the signal comes from this sender, in that order."""
    live = signal._live_receivers(sender)
    # From Django 5.0 on there are those that are coroutines, too.
    return [*live[0], *live[1]] if isinstance(live, tuple) else live


def hooks() -> Iterator[Hook]:
    """What is called when a database is migrated."""
    from django.core.management import get_commands

    import_management()
    for signal in SIGNALS:
        yield from _receivers(signal)
    for command in COMMANDS:
        app = get_commands()[command]
        if app != "django.core":
            module = f"{app}.management.commands.{command}"
            import_module(module)
            yield Hook(f"command {command}", (module,), frozenset({module}))


def modules_of_databases(aliases: Iterable[str]) -> frozenset[str]:
    """Those of the routers, and of the backends of these aliases, which settings name."""
    from django.db import connections, router

    backends: list[Any] = [type(connections[alias]) for alias in aliases]
    parts = [getattr(backend, name) for backend in backends for name in PARTS]
    classes = [*map(type, router.routers), *backends, *parts]
    return frozenset(module for one in classes for module in _modules_of(one))


def _receivers(signal: str) -> Iterator[Hook]:
    from django.apps import apps
    from django.db.models import signals

    senders = [app for app in apps.get_app_configs() if app.models_module is not None]
    labels: dict[str, list[str]] = defaultdict(list)
    modules: dict[str, set[str]] = defaultdict(set)
    for app in senders:
        for receiver in live_receivers(getattr(signals, signal), app):
            name, defining = _defined(receiver)
            labels[name].append(app.label)
            modules[name] |= defining
    for name in sorted(labels):
        # An app that comes later does not change what is called for every app.
        called_for = ["every app"] if len(labels[name]) == len(senders) else labels[name]
        yield Hook(f"receiver {name} of {signal}", tuple(called_for), frozenset(modules[name]))


def _defined(receiver: Any) -> tuple[str, frozenset[str]]:
    """The dotted name of a receiver, without what wraps it, and the modules that define both."""
    modules: set[str] = set()
    while True:
        if isinstance(receiver, functools.partial):
            receiver = receiver.func
        if isinstance(receiver, MethodType):
            modules |= _modules_of(type(receiver.__self__))
            receiver = receiver.__func__
        # What wraps a function calls itself the same; its globals tell where it is from.
        named = receiver if hasattr(receiver, "__qualname__") else type(receiver)
        modules |= {named.__module__, getattr(receiver, "__globals__", {}).get("__name__", "")}
        if not hasattr(receiver, "__wrapped__"):
            return _called(named), frozenset(modules)
        receiver = receiver.__wrapped__


def _called(named: Any) -> str:
    return f"{named.__module__}.{named.__qualname__}"


def _modules_of(kind: type) -> frozenset[str]:
    """Those that define a class and what it inherits from."""
    return frozenset(one.__module__ for one in kind.__mro__)


@functools.cache
def _import_management_of(app: str) -> None:
    from django.utils.module_loading import module_has_submodule

    if module_has_submodule(import_module(app), "management"):
        import_module(".management", app)
