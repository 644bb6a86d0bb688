"""Whether Django finds a driver for each database, and whether it suits the server."""

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
"""How to install a driver for an engine that tests cannot use here."""


def check_drivers(context: DoctorContext) -> Iterator[Finding]:
    """Load Django's backend for each database, which loads its driver."""
    # Settings may be readable where the project cannot be loaded, for the lack of a driver, say.
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
    """Compare the version of each server, where its image tells, with Django and the driver."""
    for group in context.server_groups:
        version = version_of(group)
        if version is None:
            continue
        yield from _old(group, version)
        yield from _unfit(group, version)


def version_of(group: DatabaseGroup) -> str | None:
    """The version of a group's server, as far as the name of its image tells."""
    backend = BACKENDS[group.vendor]
    if group.image in backend.own_images or not group.image:
        return backend.own_images[group.image or next(iter(backend.own_images))]
    # Such an image is named after its server and tagged with the server's version.
    words = "|".join(backend.image_words)
    found = re.fullmatch(rf"(?:.*/)?[\w.-]*?({words})[\w.-]*:(\d+(?:\.\d+)*)[^:/]*", group.image)
    return None if found is None else found[2] + backend.image_words[found[1]]


def _old(group: DatabaseGroup, version: str) -> Iterator[Finding]:
    import django
    from django.db import connections

    backend = BACKENDS[group.vendor]
    least = _least(connections[group.aliases[0]], backend.facts_for_django(version))
    number = version.partition("-")[0]
    given = tuple(int(one) for one in number.split("."))
    # A tag such as 8 or 8.4 means the newest of them.
    if least is None or given >= least[: len(given)]:
        return
    wanted = ".".join(str(one) for one in least)
    option = f"--{group.vendor}-image"
    yield error(
        Area.DATABASES,
        f"Django {django.get_version()} needs {backend.product(version)} {wanted} or later, but "
        f"{group.image} is {number}.",
        f"Use a newer image, such as `{option} {_newer(group.image, wanted)}`, or the toolkit's "
        "own.",
    )


def _least(connection: Any, facts: Mapping[str, object]) -> tuple[int, ...] | None:
    """The oldest version that Django works with; nothing is connected to for it.

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
    # Django's rule may ask its connection about the server, which would connect.
    asked = SimpleNamespace(connection=SimpleNamespace(**facts))
    with suppress(AttributeError, TypeError):
        found = rule.func(asked)
        return found if isinstance(found, tuple) else None
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


def _newer(image: str, wanted: str) -> str:
    return f"{image.rpartition(':')[0]}:{wanted}"


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
