"""Which relations a transaction has touched, and whether it commutes with another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

Touched = dict[str, str]
"""How relations were touched, by their numbers, or by their names if they are the vendor's own.

`r`: read · `w`: rows written · `k`: a foreign key was made that leads here, or a trigger ·
`x`: changed in any other way.
"""

OPAQUE: Final = {"*": "x"}
"""In place of what a migration has touched that was not one transaction."""


def of_schema(touched: Mapping[str, str], of_schemas: Collection[str]) -> Touched:
    """The same without what every change of a schema reads and writes.

    Args:
        of_schemas: See `Locks`.
    """
    return {
        key: letters
        for key, letters in touched.items()
        if key.isdigit() or (key not in of_schemas and letters != "r")
    }


def has_only_rows(touched: Mapping[str, str]) -> bool:
    """Whether a transaction has done no more than read and write rows of users' tables."""
    return all(key.isdigit() and {*letters} <= {"r", "w"} for key, letters in touched.items())


def commute(rows: Mapping[str, str], other: Mapping[str, str], *, has_data: bool) -> bool:
    """Whether it makes no difference which of two transactions comes first.

    Args:
        rows: What the first has touched, which has only read and written rows.
        other: What the second has touched, as `of_schema` gives it.
        has_data: Whether the second may have read or written rows on its own account. One without
            reads them only to check them.
    """
    if any(not key.isdigit() for key in other):
        return False
    shared = ((letters, other[key]) for key, letters in rows.items() if key in other)
    if has_data:
        return all(mine == theirs == "r" for mine, theirs in shared)
    return all({*theirs} <= {"r", "k"} for _, theirs in shared)
