"""A digest over what databases consist of, and in words what two of them differ in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

Catalog = Mapping[str, str]
"""What a database consists of: each thing by its kind and name, and what it is like."""

MIGRATION: Final = "migration "
"""The kind of thing that each row of Django's own table of applied migrations is."""


def catalog_digest(catalogs: Mapping[str, Catalog]) -> str:
    """SHA-256 over the catalogs of databases by their names, in hexadecimal digits."""
    text = json.dumps({name: dict(one) for name, one in catalogs.items()}, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differences(one: Mapping[str, Catalog], other: Mapping[str, Catalog]) -> Iterator[str]:
    """A line for each thing that only one has, or that is not the same in both."""
    for database in sorted({*one, *other}):
        before, after = one.get(database, {}), other.get(database, {})
        for name in sorted({*before, *after}):
            place = f"{database}: {name}"
            if name not in after:
                yield f"- {place}: {_line(before[name])}"
            elif name not in before:
                yield f"+ {place}: {_line(after[name])}"
            elif before[name] != after[name]:
                yield f"~ {place}: {_line(before[name])} -> {_line(after[name])}"


def unapplied(catalog: Catalog, migrations: Iterable[str]) -> list[str]:
    """Those of some migrations, such as `shop.0007_x`, that a database has not had."""
    return [name for name in migrations if f"{MIGRATION}{name}" not in catalog]


def _line(text: str) -> str:
    return " ".join(text.split())
