"""Which relations a PostgreSQL transaction has touched, and whether it commutes with another.

A transaction keeps its locks until it ends, unless it rolls back to a savepoint. So they name every
table that it has read or written, through views, triggers, functions and foreign keys as well.
https://www.postgresql.org/docs/current/view-pg-locks.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Touched = dict[str, str]
"""How relations were touched, by their numbers, or by their names if they are PostgreSQL's own.

`r`: read · `w`: rows written · `k`: a foreign key was made that leads here, or a trigger ·
`x`: changed in any other way.
"""

OPAQUE: Final = {"*": "x"}
"""In place of what a migration has touched that was not one transaction."""

FIRST_OF_USERS: Final = 16384
"""The numbers of relations that users make begin here."""

MODES: Final = {
    "AccessShareLock": "r",
    "RowShareLock": "r",
    "RowExclusiveLock": "w",
    "ShareRowExclusiveLock": "k",
}

LOCKS: Final = """
SELECT relation, relation::regclass::text, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation'
    AND relation <> ALL (array_remove(ARRAY[
        'pg_locks'::regclass::oid,
        to_regclass('django_migrations')::oid, to_regclass('django_migrations_id_seq')::oid
    ], NULL))
"""
"""All that was touched, but for where Django notes each migration."""

OF_SCHEMAS: Final = frozenset(
    {
        *("pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_depend", "pg_description"),
        *("pg_index", "pg_sequence", "pg_shdepend", "pg_statistic", "pg_trigger", "pg_type"),
    }
)
"""The catalogs that are written when tables, columns, indexes and constraints are made."""


def read_touched(cursor: Any) -> Touched:
    """What the current transaction has touched."""
    cursor.execute(LOCKS)
    found: Touched = {}
    for number, name, mode in cursor.fetchall():
        key = str(number) if number >= FIRST_OF_USERS else str(name)
        letters = found.get(key, "")
        letter = MODES.get(mode, "x")
        found[key] = letters if letter in letters else letters + letter
    return found


def of_schema(touched: Mapping[str, str]) -> Touched:
    """The same without what every change of a schema reads and writes."""
    return {
        key: letters
        for key, letters in touched.items()
        if key.isdigit() or (key not in OF_SCHEMAS and letters != "r")
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
