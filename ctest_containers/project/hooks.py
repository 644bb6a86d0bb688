"""The code that is called when a database is migrated, besides migrations.

What it puts in is in the template, so its text is an input of the fingerprint.
"""

from __future__ import annotations

import functools
import linecache
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from types import MethodType
from typing import Any, Final

from ctest_containers.fingerprint import Input

SIGNALS: Final = ("pre_migrate", "post_migrate")

COMMANDS: Final = ("migrate", "createcachetable")
"""Those that Django calls when it makes a test database."""


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


def hook_inputs() -> Iterator[Input]:
    """An input for each receiver of a signal, and each command in the place of one of Django's.

    It changes with the text of the modules that define it. Those of Python and of Django come with
    a version; what a module imports is not looked into.
    """
    from django.core.management import get_commands

    import_management()
    for signal in SIGNALS:
        yield from _receiver_inputs(signal)
    for command in COMMANDS:
        app = get_commands()[command]
        if app != "django.core":
            module = f"{app}.management.commands.{command}"
            import_module(module)
            yield Input.of(f"command {command}", "\n".join([module, _text(module)]))


def _receiver_inputs(signal: str) -> Iterator[Input]:
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
        texts = map(_text, sorted(modules[name]))
        yield Input.of(f"receiver {name} of {signal}", "\n".join([*called_for, *texts]))


def _defined(receiver: Any) -> tuple[str, frozenset[str]]:
    """The dotted name of a receiver, without what wraps it, and the modules that define both."""
    modules = set()
    while True:
        if isinstance(receiver, functools.partial):
            receiver = receiver.func
        if isinstance(receiver, MethodType):
            modules.add(type(receiver.__self__).__module__)
            receiver = receiver.__func__
        # What wraps a function calls itself the same; its globals tell where it is from.
        named = receiver if hasattr(receiver, "__qualname__") else type(receiver)
        modules |= {named.__module__, getattr(receiver, "__globals__", {}).get("__name__", "")}
        if not hasattr(receiver, "__wrapped__"):
            return f"{named.__module__}.{named.__qualname__}", frozenset(modules)
        receiver = receiver.__wrapped__


def _text(module: str) -> str:
    """The text of a module; nothing for those of Python and of Django, and where there is none."""
    if module.partition(".")[0] in {"", "django", *sys.stdlib_module_names}:
        return ""
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    return "".join(linecache.getlines(file, vars(loaded))) if file else ""


@functools.cache
def _import_management_of(app: str) -> None:
    from django.utils.module_loading import module_has_submodule

    if module_has_submodule(import_module(app), "management"):
        import_module(".management", app)
