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
        before, after = first.get(database, {}), second.get(database, {})
        for name in sorted({*before, *after}):
            place = f"{database}: {name}"
            if name not in after:
                yield f"- {place}: {_line(before[name])}"
            elif name not in before:
                yield f"+ {place}: {_line(after[name])}"
            elif before[name] != after[name]:
                yield f"~ {place}: {_line(before[name])} -> {_line(after[name])}"


def unapplied(catalog: Catalog, migrations: Iterable[str]) -> list[str]:
    """Return those of some migrations, such as `shop.0007_x`, that a database lacks."""
    return [name for name in migrations if f"{MIGRATION}{name}" not in catalog]


def _line(text: str) -> str:
    return " ".join(text.split())
