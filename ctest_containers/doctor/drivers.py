"""Checks that Django finds a driver for each database, and that it suits the server."""

from __future__ import annotations

import importlib.metadata
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Final

from ctest_containers.backends import BACKENDS, VENDORS
from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, ok, warning
from ctest_containers.model import DatabaseGroup

UNSUPPORTED: Final = {"django.db.backends.oracle": "pip install oracledb"}
"""How to install a driver for an engine that this toolkit does not support."""


def check_drivers(context: DoctorContext) -> Iterator[Finding]:
    """Load Django's backend for each database, which loads its driver."""
    # Settings may be readable even if the project cannot be loaded, for example without a driver.
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import load_backend

    if not settings.configured:
        return
    engines = (vendor.engines for vendor in VENDORS.values())
    known = dict(ChainMap(UNSUPPORTED, *map(dict, engines)))
    used = None if context.project is None else context.project.aliases
    for alias, entry in dict(settings.DATABASES).items():
        name = str(entry.get("ENGINE") or "")
        if not name or (used is not None and alias not in used):
            continue
        try:
            backend = load_backend(name)
        except (ImproperlyConfigured, ImportError) as problem:
            yield error(
                Area.DATABASES,
                f"Django cannot load the backend {name} of {alias!r}: {_first_line(problem)}",
                f"`{known[name]}`"
                if name in known
                else f"Install what {name} needs, or correct DATABASES[{alias!r}]['ENGINE'].",
            )
            continue
        driver = getattr(backend.DatabaseWrapper, "Database", None) or getattr(
            backend, "Database", None
        )
        if driver is not None:
            yield ok(Area.DATABASES, f"{alias!r} uses the driver {_called(driver)}.")


def check_servers(context: DoctorContext) -> Iterator[Finding]:
    """Check that Django and the driver support each server's version, if its image names one."""
    for group in context.server_groups:
        version = version_of(group)
        if version is None:
            continue
        yield from _old(group, version)
        yield from _unfit(group, version)


def version_of(group: DatabaseGroup) -> str | None:
    """Return the version of a group's server, if the name of its image contains it."""
    backend = BACKENDS[group.vendor]
    if group.image in backend.own_images or not group.image:
        return backend.own_images[group.image or next(iter(backend.own_images))]
    # Such an image is named after its server and tagged with the server's version.
    words = "|".join(backend.image_words)
    match = re.fullmatch(rf"(?:.*/)?[\w.-]*?({words})[\w.-]*:(\d+(?:\.\d+)*)[^:/]*", group.image)
    return None if match is None else match[2] + backend.image_words[match[1]]


def _old(group: DatabaseGroup, version: str) -> Iterator[Finding]:
    import django
    from django.db import connections

    backend = BACKENDS[group.vendor]
    least = _least(connections[group.aliases[0]], backend.facts_for_django(version))
    number = version.partition("-")[0]
    parts = tuple(int(part) for part in number.split("."))
    # A tag such as 8 or 8.4 means the newest of them.
    if least is None or parts >= least[: len(parts)]:
        return
    minimum = ".".join(map(str, least))
    option = f"--{group.vendor}-image"
    yield error(
        Area.DATABASES,
        f"Django {django.get_version()} needs {backend.product(version)} {minimum} or later, but "
        f"{group.image} is {number}.",
        f"Use a newer image, such as `{option} {_newer(group.image, minimum)}`, or the toolkit's "
        "own.",
    )


def _least(connection: Any, facts: Mapping[str, object]) -> tuple[int, ...] | None:
    """Return the oldest version that Django supports, without connecting.

    Args:
        facts: See `Connections.facts_for_django`.
    """
    rule = vars(type(connection.features)).get("minimum_database_version")
    for kind in type(connection.features).__mro__:
        rule = vars(kind).get("minimum_database_version", rule)
        if rule is not None:
            break
    if isinstance(rule, tuple):
        return rule
    # Django's rule may query its connection about the server, which would connect.
    features = SimpleNamespace(connection=SimpleNamespace(**facts))
    with suppress(AttributeError, TypeError):
        minimum = rule.func(features)
        return minimum if isinstance(minimum, tuple) else None
    return None


def _unfit(group: DatabaseGroup, version: str) -> Iterator[Finding]:
    from django.db import connections

    for alias in group.aliases:
        trouble = BACKENDS[group.vendor].driver_trouble(type(connections[alias]), version)
        if trouble:
            yield warning(
                Area.DATABASES,
                f"The driver of {alias!r} is not suitable for its server. {trouble}",
                f"Set DATABASES[{alias!r}]['ENGINE'] to another backend, or choose another server "
                f"with `--{group.vendor}-image`.",
            )


def _newer(image: str, version: str) -> str:
    return f"{image.rpartition(':')[0]}:{version}"


def _called(driver: Any) -> str:
    name = str(driver.__name__)
    packages = ChainMap(*(dict(vendor.drivers) for vendor in VENDORS.values()))
    for package in packages.get(name, (name,)):
        with suppress(importlib.metadata.PackageNotFoundError, ValueError):
            return f"{package} {importlib.metadata.version(package)}"
    version = getattr(driver, "sqlite_version", None) or getattr(driver, "__version__", "")
    return f"{name.partition('.')[0]} {version}".strip()


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
