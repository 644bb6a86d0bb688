"""Whether Django finds a driver for each database, and whether it suits the server."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Final

from ctest_containers.backends import BACKENDS
from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, ok, warning
from ctest_containers.model import DatabaseGroup, Vendor

DRIVERS: Final = {
    "django.db.backends.postgresql": 'pip install "psycopg[binary]"',
    "django.contrib.gis.db.backends.postgis": 'pip install "psycopg[binary]"',
    "django.db.backends.mysql": "pip install mysqlclient",
    "django.contrib.gis.db.backends.mysql": "pip install mysqlclient",
    "mysql.connector.django": "pip install mysql-connector-python",
    "django.db.backends.oracle": "pip install oracledb",
}
"""How to get a driver for each of the engines that settings name."""

PACKAGES: Final = {
    "MySQLdb": "mysqlclient",
    "pymysql": "PyMySQL",
    "mysql.connector": "mysql-connector-python",
}
"""What brings a driver, where that is called in another way than its module."""

OWN_VERSIONS: Final = {"postgresql": "17", "mysql": "9", "mariadb": "11.8-MariaDB"}
"""What is in the toolkit's own images."""

SERVER: Final = re.compile(r"(?:.*/)?[\w.-]*?(postg|mysql|mariadb)[\w.-]*:(\d+(?:\.\d+)*)[^:/]*")
"""An image that is named after its server and tagged with the server's version."""


def check_drivers(scene: DoctorContext) -> Iterator[Finding]:
    """Load Django's backend for each database, which loads its driver."""
    # Settings may be readable where the project cannot be loaded, for the lack of a driver, say.
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import load_backend

    if not settings.configured:
        return
    used = None if scene.project is None else scene.project.aliases
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
                f"`{DRIVERS[name]}`"
                if name in DRIVERS
                else f"Install what {name} needs, or correct DATABASES[{alias!r}]['ENGINE'].",
            )
            continue
        driver = getattr(backend.DatabaseWrapper, "Database", None) or getattr(
            backend, "Database", None
        )
        if driver is not None:
            yield ok(Area.DATABASES, f"{alias!r} uses the driver {_called(driver)}.")


def check_servers(scene: DoctorContext) -> Iterator[Finding]:
    """Compare the version of each server, where its image tells, with Django and the driver."""
    for group in scene.server_groups:
        version = version_of(group)
        if version is None:
            continue
        yield from _old(group, version)
        yield from _unfit(group, version)


def version_of(group: DatabaseGroup) -> str | None:
    """The version of a group's server, as far as the name of its image tells."""
    if group.image in OWN_VERSIONS or not group.image:
        return OWN_VERSIONS[group.image or group.vendor.value]
    found = SERVER.fullmatch(group.image)
    if found is None:
        return None
    return f"{found[2]}-MariaDB" if found[1] == "mariadb" else found[2]


def _old(group: DatabaseGroup, version: str) -> Iterator[Finding]:
    import django
    from django.db import connections

    least = _least(connections[group.aliases[0]], mariadb="MariaDB" in version)
    number = version.partition("-")[0]
    given = tuple(int(one) for one in number.split("."))
    # A tag such as 8 or 8.4 means the newest of them.
    if least is None or given >= least[: len(given)]:
        return
    wanted = ".".join(str(one) for one in least)
    option = f"--{group.vendor.value}-image"
    yield error(
        Area.DATABASES,
        f"Django {django.get_version()} needs {_server(group.vendor, version)} {wanted} or later, "
        f"and {group.image} is {number}.",
        f"Use a newer image, such as `{option} {_newer(group.image, wanted)}`, or the toolkit's "
        "own.",
    )


def _least(connection: Any, *, mariadb: bool) -> tuple[int, ...] | None:
    """The oldest version that Django works with; nothing is connected to for it."""
    rule = vars(type(connection.features)).get("minimum_database_version")
    for kind in type(connection.features).__mro__:
        rule = vars(kind).get("minimum_database_version", rule)
        if rule is not None:
            break
    if isinstance(rule, tuple):
        return rule
    # Django's rule for MySQL asks its connection, which would connect, which of the two it is.
    asked = SimpleNamespace(connection=SimpleNamespace(mysql_is_mariadb=mariadb))
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
                f"The driver of {alias!r} does not suit its server. {trouble}",
                f"Set DATABASES[{alias!r}]['ENGINE'] to another backend, or choose another server: "
                f"`--{group.vendor.value}-image`.",
            )


def _server(vendor: Vendor, version: str) -> str:
    if vendor is Vendor.POSTGRESQL:
        return "PostgreSQL"
    return "MariaDB" if "MariaDB" in version else "MySQL"


def _newer(image: str, wanted: str) -> str:
    return f"{image.rpartition(':')[0]}:{wanted}"


def _called(driver: Any) -> str:
    name = str(driver.__name__)
    package = PACKAGES.get(name, name)
    for one in (package, f"{package}-binary"):
        with suppress(importlib.metadata.PackageNotFoundError, ValueError):
            return f"{one} {importlib.metadata.version(one)}"
    version = getattr(driver, "sqlite_version", None) or getattr(driver, "__version__", "")
    return f"{name.partition('.')[0]} {version}".strip()


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
