"""Decides whether two transactions commute, from the relations that they touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

Touched = dict[str, str]
"""How relations were touched, by their numbers, or by their names if they are the vendor's own.

`r`: read · `w`: rows written · `k`: a foreign key to it, or a trigger, was created ·
`x`: changed in any other way.
"""

OPAQUE: Final = {"*": "x"}
"""What a migration has touched if it was not a single transaction."""


def of_schema(touched: Mapping[str, str], of_schemas: Collection[str]) -> Touched:
    """Return the relations without those that every schema change reads and writes.

    Args:
        of_schemas: See `Locks`.
    """
    return {
        key: letters
        for key, letters in touched.items()
        if key.isdigit() or (key not in of_schemas and letters != "r")
    }


def has_only_rows(touched: Mapping[str, str]) -> bool:
    """Return whether a transaction only read and wrote rows of users' tables."""
    return all(key.isdigit() and {*letters} <= {"r", "w"} for key, letters in touched.items())


def commute(rows: Mapping[str, str], other: Mapping[str, str], *, has_data: bool) -> bool:
    """Return whether the order of two transactions makes no difference.

    Args:
        rows: What the first touched, which has only read and written rows.
        other: What the second touched, from `of_schema`.
        has_data: Whether the second may have read or written rows itself. Otherwise it reads them
            only to check them.
    """
    if any(not key.isdigit() for key in other):
        return False
    shared = ((letters, other[key]) for key, letters in rows.items() if key in other)
    if has_data:
        return all(mine == theirs == "r" for mine, theirs in shared)
    return all({*theirs} <= {"r", "k"} for _, theirs in shared)
