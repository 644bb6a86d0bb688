"""The code that is called when a database is migrated, besides migrations."""

from __future__ import annotations

import functools
import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType, MethodType
from typing import Any, Final

SIGNALS: Final = ("pre_migrate", "post_migrate")

COMMANDS: Final = ("migrate", "createcachetable")
"""Those that Django calls when it makes a test database."""

PARTS: Final = (
    *("SchemaEditorClass", "creation_class", "features_class", "introspection_class", "ops_class"),
)
"""Attributes of a database's backend: the classes that do its work."""

MOST_LAYERS: Final = 100
"""So often something may wrap something else."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Something that is called.

    Attributes:
        called_for: What else than its name counts.
        code: The dotted names of what decides what it does.
    """

    name: str
    called_for: tuple[str, ...]
    code: frozenset[str]


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
        if get_commands()[command] != "django.core":
            code = command_code(command)
            yield Hook(f"command {command}", tuple(sorted(code)), code)


def command_code(name: str) -> frozenset[str]:
    """The dotted names of what a management command is made of; nothing if there is none."""
    from django.core.management import get_commands

    # A test runner may have put an object there.
    app: Any = get_commands().get(name)
    if not isinstance(app, str):
        return frozenset() if app is None else class_code(type(app))
    return frozenset({f"{app}.management.commands.{name}"})


def class_code(kind: type) -> frozenset[str]:
    """The dotted names of a class and of what it inherits from."""
    return frozenset(map(_dotted, kind.__mro__))


def database_code(aliases: Iterable[str]) -> frozenset[str]:
    """That of the routers, and of the backends of these aliases, which settings name."""
    from django.db import connections, router

    backends: list[Any] = [type(connections[alias]) for alias in aliases]
    parts = [getattr(backend, name) for backend in backends for name in PARTS]
    classes = [*map(type, router.routers), *backends, *parts]
    return frozenset[str]().union(*map(class_code, classes))


def _receivers(signal: str) -> Iterator[Hook]:
    from django.apps import apps
    from django.db.models import signals

    senders = [app for app in apps.get_app_configs() if app.models_module is not None]
    labels: dict[str, list[str]] = defaultdict(list)
    code: dict[str, set[str]] = defaultdict(set)
    for app in senders:
        found = map(_described, live_receivers(getattr(signals, signal), app))
        for name, names in dict(found).items():
            labels[name].append(app.label)
            code[name] |= names
    for name in sorted(labels):
        # An app that comes later does not change what is called for every app.
        called_for = ["every app"] if len(labels[name]) == len(senders) else labels[name]
        yield Hook(f"receiver {name} of {signal}", tuple(called_for), frozenset(code[name]))


def _described(receiver: Any) -> tuple[str, set[str]]:
    """The name of a receiver without what wraps it, and the names of the code of both."""
    name, code = "", set[str]()
    for _ in range(MOST_LAYERS):
        if isinstance(receiver, functools.partial):
            receiver = receiver.func
        if isinstance(receiver, MethodType):
            owner = receiver.__self__
            code |= class_code(owner if isinstance(owner, type) else type(owner))
            receiver = receiver.__func__
        wrapped = inspect.getattr_static(receiver, "__wrapped__", None)
        if isinstance(receiver, FunctionType):
            name = _dotted(receiver, whole=True)
            code.add(_dotted(receiver))
            if wrapped is not None:
                # What wraps a function calls itself the same; its globals tell where it is from.
                code.add(str(receiver.__globals__.get("__name__", "")))
        else:
            kind = receiver if isinstance(receiver, type) else type(receiver)
            name = _dotted(kind, whole=True)
            code |= class_code(kind)
        if wrapped is None:
            break
        receiver = wrapped
    return name, code


def _dotted(named: Any, *, whole: bool = False) -> str:
    """The dotted name of a class or a function, or of what it is in at the top of its module."""
    name = named.__qualname__ if whole else named.__qualname__.partition(".")[0]
    return f"{named.__module__ or ''}.{name}"


@functools.cache
def _import_management_of(app: str) -> None:
    from django.utils.module_loading import module_has_submodule

    if module_has_submodule(import_module(app), "management"):
        import_module(".management", app)
