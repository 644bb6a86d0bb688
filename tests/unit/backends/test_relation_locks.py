"""When a transaction with rows may come after later ones."""

from __future__ import annotations

import pytest

from ctest_containers.backends.postgresql.migrating import PostgresqlLocks
from ctest_containers.backends.relation_locks import (
    OPAQUE,
    Touched,
    commute,
    has_only_rows,
    of_schema,
)

LOCKS = PostgresqlLocks()
USERS, ROLES, CARTS = "16400", "16401", "16402"


class Cursor:
    """Answers with locks: the relation's number and name, and the mode."""

    def __init__(self, locks: list[tuple[int, str, str]]) -> None:
        self._locks = locks

    def execute(self, sql: str) -> None:
        assert "pg_locks" in sql

    def fetchall(self) -> list[tuple[int, str, str]]:
        return self._locks


def test_locks_say_how_relations_were_touched() -> None:
    locks = [
        (16400, "users", "AccessShareLock"),
        (16400, "users", "RowShareLock"),
        (16400, "users", "RowExclusiveLock"),
        (16401, "roles", "ShareRowExclusiveLock"),
        (16402, "carts", "AccessExclusiveLock"),
        (1259, "pg_class", "RowExclusiveLock"),
    ]

    assert LOCKS.read_touched(Cursor(locks)) == {
        USERS: "rw",
        ROLES: "k",
        CARTS: "x",
        "pg_class": "w",
    }


@pytest.mark.parametrize(
    ("touched", "kept"),
    [
        ({USERS: "x", "pg_class": "w", "pg_attribute": "rw"}, {USERS: "x"}),
        ({"pg_namespace": "r"}, {}),
        ({"pg_proc": "w"}, {"pg_proc": "w"}),
        ({"pg_extension": "rw"}, {"pg_extension": "rw"}),
        (OPAQUE, OPAQUE),
    ],
)
def test_what_every_change_of_a_schema_writes_is_not_counted(
    touched: Touched, kept: Touched
) -> None:
    assert of_schema(touched, LOCKS.of_schemas) == kept


@pytest.mark.parametrize(
    ("touched", "expected"),
    [
        ({USERS: "rw", ROLES: "r"}, True),
        ({USERS: "x"}, False),
        ({USERS: "k"}, False),
        ({USERS: "w", "pg_class": "r"}, False),
        ({"pg_largeobject": "w"}, False),
        (OPAQUE, False),
    ],
)
def test_only_rows_of_users_tables_are_rows(touched: Touched, *, expected: bool) -> None:
    """What looks into the catalogs may find what a later migration has made."""
    assert has_only_rows(touched) is expected


@pytest.mark.parametrize(
    ("rows", "other", "has_data", "expected"),
    [
        ({USERS: "w"}, {CARTS: "w"}, True, True),
        ({USERS: "r"}, {USERS: "r"}, True, True),
        ({USERS: "r"}, {USERS: "w"}, True, False),
        ({USERS: "w"}, {USERS: "r"}, True, False),
        ({USERS: "w"}, {USERS: "rk", CARTS: "x"}, False, True),
        ({USERS: "w"}, {USERS: "rk"}, True, False),
        ({USERS: "w"}, {USERS: "x"}, False, False),
        ({USERS: "r"}, {USERS: "w"}, False, False),
        ({USERS: "r"}, {"pg_proc": "w"}, False, False),
        ({USERS: "r"}, OPAQUE, False, False),
    ],
)
def test_two_transactions_commute_if_neither_sees_the_other(
    rows: Touched, other: Touched, *, has_data: bool, expected: bool
) -> None:
    """A foreign key to a table is made in the same way whatever rows the table has."""
    assert commute(rows, other, has_data=has_data) is expected
