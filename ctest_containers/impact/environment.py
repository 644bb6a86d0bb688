"""Installed packages, settings of databases, and the HTML templates that names stand for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ctest_containers.recording.digests import MISSING, digest_of, is_newer, unlike_any
from ctest_containers.recording.module import INSTALLED
from ctest_containers.recording.portable_paths import PortablePaths

CHANGED_BY_TESTS: Final = frozenset({"ALLOWED_HOSTS", "DATABASES", "DEBUG", "EMAIL_BACKEND"})
"""Settings that have other values while tests run, whatever the project sets."""

OF_SERVERS: Final = ("HOST", "NAME", "PASSWORD", "PORT", "USER")
"""What the databases of tests have of their own."""


def template_digest(name: str, paths: PortablePaths, since: float | None) -> str:
    """Return the digest of the HTML template that a name stands for, and of its place.

    Args:
        since: Files that changed later have digests that equal no other; in seconds since the
            epoch, None if all of them count.
    """
    for file in template_files(name):
        with suppress(OSError, ValueError):
            if since is not None and is_newer(Path(file), since):
                return unlike_any()
            content = digest_of(Path(file).read_bytes())
            return digest_of(f"{paths.name_of(file)} {content}")
    return MISSING


def template_files(name: str) -> Iterator[str]:
    """Yield the files in which Django looks for an HTML template, in order."""
    from django.template import engines

    for engine in engines.all():
        yield from _template_files(engine, name)


def _template_files(engine: Any, name: str) -> Iterator[str]:
    """Yield the files in which an engine looks for an HTML template, in order."""
    waiting = list(getattr(getattr(engine, "engine", None), "template_loaders", ()))
    while waiting:
        loader = waiting.pop(0)
        if inner := getattr(loader, "loaders", None):
            waiting = [*inner, *waiting]
            continue
        with suppress(Exception):
            yield from (str(origin.name) for origin in loader.get_template_sources(name))
    loader = getattr(getattr(engine, "env", None), "loader", None)
    for folder in getattr(loader, "searchpath", ()):
        yield f"{folder}/{name}"


def setting_before_tests(name: str) -> Any:
    """Return the project's value of a setting that has another one while tests run.

    Args:
        name: One of `CHANGED_BY_TESTS`.
    """
    from django.conf import settings
    from django.db import connections
    from django.test.utils import _TestState

    if name != "DATABASES":
        # Django keeps them to restore them.
        saved = getattr(_TestState, "saved_data", None)
        return getattr(saved, name.lower(), getattr(settings._wrapped, name))
    databases: dict[str, dict[str, Any]] = {}
    for alias, values in connections.settings.items():
        inner = {key: value for key, value in values["TEST"].items() if key != "NAME"}
        databases[alias] = {**values, "TEST": inner}
        for key in OF_SERVERS:
            databases[alias].pop(key, None)
    return databases


def packages() -> dict[str, str]:
    """Return the versions of installed packages, from the names of their folders of metadata."""
    versions: dict[str, str] = {}
    for entry in map(Path, sys.path):
        if not INSTALLED.isdisjoint(entry.parts):
            for folder in entry.glob("*.dist-info"):
                name, _, version = folder.name.removesuffix(".dist-info").partition("-")
                versions[name] = version
    return versions
