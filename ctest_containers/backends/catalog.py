"""Computes a digest of databases' objects, and describes differences between databases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

Catalog = Mapping[str, str]
"""A database's objects: the definition of each, by its kind and name."""

MIGRATION: Final = "migration "
"""The kind of an entry for a row of Django's table of applied migrations."""


def catalog_digest(catalogs: Mapping[str, Catalog]) -> str:
    """Return a hexadecimal SHA-256 of the catalogs of databases, by their names."""
    text = json.dumps({name: dict(catalog) for name, catalog in catalogs.items()}, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differences(first: Mapping[str, Catalog], second: Mapping[str, Catalog]) -> Iterator[str]:
    """Yield a line for each object that only one has, or that differs between them."""
    for database in sorted({*first, *second}):
        yield from catalog_lines(
            first.get(database, {}), second.get(database, {}), place=f"{database}: "
        )


def catalog_lines(before: Catalog, after: Catalog, *, place: str = "") -> Iterator[str]:
    """Yield a line for each object that only one catalog has, or that differs between them.

    Args:
        place: Precedes the names of objects.
    """
    for name in sorted({*before, *after}):
        if name not in after:
            yield f"- {place}{name}: {_line(before[name])}"
        elif name not in before:
            yield f"+ {place}{name}: {_line(after[name])}"
        elif before[name] != after[name]:
            yield f"~ {place}{name}: {_line(before[name])} -> {_line(after[name])}"


def unapplied(catalog: Catalog, migrations: Iterable[str]) -> list[str]:
    """Return those of some migrations, such as `shop.0007_x`, that a database lacks."""
    return [name for name in migrations if f"{MIGRATION}{name}" not in catalog]


def _line(text: str) -> str:
    return " ".join(text.split())
