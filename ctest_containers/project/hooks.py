"""Finds the code, besides migrations, that runs when a database is migrated."""

from __future__ import annotations

import functools
import inspect
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType, MethodType
from typing import Any, Final

from ctest_containers.fingerprint.state import state_of
from ctest_containers.fingerprint.values import describe

SIGNALS: Final = ("pre_migrate", "post_migrate")

COMMANDS: Final = ("migrate", "createcachetable")
"""Commands that Django calls when it creates a test database."""

MOST_LAYERS: Final = 100
"""How many layers of wrappers are unwrapped."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A command or receiver that is called.

    Attributes:
        called_for: What identifies it besides its name: for a receiver, the apps.
    """

    name: str
    called_for: tuple[str, ...]


def import_management() -> None:
    """Import the apps' management modules, as Django's commands do before they send a signal."""
    from django.apps import apps

    for app in apps.get_app_configs():
        _import_management_of(app.name)


def live_receivers(signal: Any, sender: Any) -> list[Any]:
    """The receivers of a signal from this sender, in calling order."""
    live = signal._live_receivers(sender)
    # Since Django 5.0, asynchronous receivers are listed separately.
    return [*live[0], *live[1]] if isinstance(live, tuple) else live


def hooks() -> Iterator[Hook]:
    """The hooks of a migration; a build records what they do."""
    from django.core.management import get_commands

    import_management()
    for signal in SIGNALS:
        yield from _receivers(signal)
    for command in COMMANDS:
        if get_commands()[command] != "django.core":
            yield Hook(f"command {command}", (describe(get_commands()[command]),))


def _receivers(signal: str) -> Iterator[Hook]:
    from django.apps import apps
    from django.db.models import signals

    senders = [app for app in apps.get_app_configs() if app.models_module is not None]
    labels: dict[str, list[str]] = defaultdict(list)
    values: dict[str, set[str]] = defaultdict(set)
    for app in senders:
        described = map(_described, live_receivers(getattr(signals, signal), app))
        for name, value in dict(described).items():
            labels[name].append(app.label)
            values[name].add(value)
    for name in sorted(labels):
        # A receiver for every app does not change when an app is added.
        called_for = ["every app"] if len(labels[name]) == len(senders) else labels[name]
        yield Hook(f"receiver {name} of {signal}", (*called_for, *sorted(values[name] - {""})))


def _described(receiver: Any) -> tuple[str, str]:
    """The name of an unwrapped receiver, and the values that are part of it."""
    values: list[Any] = []
    for _ in range(MOST_LAYERS):
        if isinstance(receiver, functools.partial):
            values += [*receiver.args, receiver.keywords]
            receiver = receiver.func
        if isinstance(receiver, MethodType):
            values.append(receiver.__self__)
            receiver = receiver.__func__
        wrapped = inspect.getattr_static(receiver, "__wrapped__", None)
        if wrapped is None:
            break
        receiver = wrapped
    if not isinstance(receiver, (FunctionType, type)):
        values.append(receiver)
        receiver = type(receiver)
    name = f"{receiver.__module__ or ''}.{receiver.__qualname__}"
    return name, describe(state_of(values)) if values else ""


@functools.cache
def _import_management_of(app: str) -> None:
    from django.utils.module_loading import module_has_submodule

    if module_has_submodule(import_module(app), "management"):
        import_module(".management", app)
