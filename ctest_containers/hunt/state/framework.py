"""Observes the state of Django: settings, receivers, registries, caches and files."""

from __future__ import annotations

import os
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ctest_containers.hunt.state.facts import Fact, Key
from ctest_containers.hunt.state.values import (
    Identity,
    is_a,
    is_installed,
    name_of,
    place_of,
    shown,
    shown_as,
    token,
    variables,
)

MOST_FILES: Final = 20_000
"""How many files of a folder are observed."""


def observe(folder: Path) -> Iterator[tuple[Key, Fact]]:
    """Yield facts about Django.

    Args:
        folder: Where the command was started; files are named relative to it.
    """
    yield from _settings()
    yield from _receivers(folder)
    yield from _registries()
    yield from _current()
    yield from _caches()
    yield from _files()


def _settings() -> Iterator[tuple[Key, Fact]]:
    from django.conf import settings

    for name in dir(settings):
        if name.isupper():
            value = getattr(settings, name, None)
            fact = Fact(token(value), shown_as(name, value))
            yield Key("settings", f"django.conf.settings.{name}"), fact


def _receivers(folder: Path) -> Iterator[tuple[Key, Fact]]:
    from django.dispatch import Signal

    signals: dict[int, tuple[str, Signal]] = {}
    for module_name, module in sorted(sys.modules.items()):
        for name, value in list(variables(module).items()):
            if is_a(value, Signal):
                dotted = f"{module_name}.{name}"
                known = signals.get(id(value))
                if known is None or _rank(dotted) < _rank(known[0]):
                    signals[id(value)] = dotted, value
    for dotted, each in signals.values():
        for entry in list(each.receivers):
            receiver = entry[1]
            if is_a(receiver, weakref.ReferenceType):
                receiver = receiver()
            if receiver is not None:
                key = Key("signal receivers", f"{dotted}: the receiver {name_of(receiver)}")
                place = place_of(receiver, folder)
                # Packages connect some of theirs when they are first used.
                yield key, Fact(token=True, place=place, is_lazy=is_installed(place))


def _rank(dotted: str) -> tuple[bool, int]:
    """Return what is least for the best name of a signal: most modules only import it."""
    return not dotted.rpartition(".")[0].endswith("signals"), len(dotted)


def _registries() -> Iterator[tuple[Key, Fact]]:
    from django.apps import apps
    from django.db import connections, router

    for label in apps.app_configs:
        yield Key("registries", f"the app {label!r}"), Fact(token=True)
    for label, models in list(apps.all_models.items()):
        for model in list(models.values()):
            key = Key("registries", f"the model {label}.{model.__name__} of django.apps.apps")
            yield key, Fact(Identity(model), name_of(model))
    sites = getattr(sys.modules.get("django.contrib.admin.sites"), "all_sites", ())
    for site in list(sites):
        for model, admin in list(site._registry.items()):
            name = f"the model {name_of(model)} in the admin site {site.name!r}"
            yield Key("registries", name), Fact(Identity(admin), name_of(admin))
    names = [name_of(each) for each in router.routers]
    yield Key("registries", "django.db.router.routers"), Fact(tuple(names), shown(names))
    for alias in connections:
        for name, value in connections[alias].settings_dict.items():
            key = Key("settings", f"django.db.connections[{alias!r}].settings_dict[{name!r}]")
            yield key, Fact(token(value), shown_as(name, value))


def _current() -> Iterator[tuple[Key, Fact]]:
    from django.urls import get_script_prefix, get_urlconf
    from django.utils import timezone, translation

    values = {
        "the active language": translation.get_language(),
        "the current time zone": timezone.get_current_timezone_name(),
        "the current URLconf": get_urlconf(),
        "the script prefix": get_script_prefix(),
    }
    for name, value in values.items():
        yield Key("registries", name), Fact(value, shown(value))


def _caches() -> Iterator[tuple[Key, Fact]]:
    from django.conf import settings
    from django.core.cache import caches

    for alias in settings.CACHES:
        with suppress(Exception):  # A cache of the project may raise anything.
            cache: Any = caches[alias]
            entries: Any = getattr(cache, "_cache", None)
            if is_a(entries, dict):
                for entry, value in list(entries.items()):
                    name = f"the entry {str(entry)!r} of the cache {alias!r}"
                    yield Key("caches", name), Fact(token(value))
            elif (folder := getattr(cache, "_dir", None)) is not None:
                yield from _files_in(Path(folder), "caches", f"the folder of the cache {alias!r}")


def _files() -> Iterator[tuple[Key, Fact]]:
    from django.conf import settings

    if settings.MEDIA_ROOT:
        yield from _files_in(Path(settings.MEDIA_ROOT), "files", "MEDIA_ROOT")
    temporary = Path(tempfile.gettempdir())
    with suppress(OSError):
        for entry in os.scandir(temporary):
            yield Key("files", f"temporary files: {entry.name}"), Fact(token=True)


def _files_in(folder: Path, kind: str, name: str) -> Iterator[tuple[Key, Fact]]:
    """Yield the files of a folder."""
    count = 0
    for path, _, files in os.walk(folder):
        for file in files:
            count += 1
            if count > MOST_FILES:
                return
            with suppress(OSError):
                where = Path(path, file)
                stat = where.stat()
                fact = Fact((stat.st_size, stat.st_mtime_ns), f"{stat.st_size} bytes")
                yield Key(kind, f"{name}: {where.relative_to(folder)}"), fact
