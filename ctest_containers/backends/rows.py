"""Inserts rows and looks for them with as little work as each vendor's server and driver allow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from ctest_containers.model import Vendor

TABLES_AT_ONCE: Final = 200
"""How many tables one query asks about; SQLite parses no more than 2000 columns."""

WITH_A_FILE: Final = """
SELECT relname FROM pg_class
WHERE relname = ANY(%s) AND pg_table_is_visible(oid)
    AND (relkind <> 'r' OR (pg_stat_file(pg_relation_filepath(oid), true)).size > 0)
"""
"""The tables that may have rows; PostgreSQL need not open the others, which takes it a while."""


def filled(connection: Any, tables: Sequence[str]) -> frozenset[str]:
    """Those of these tables that have rows."""
    if connection.vendor == Vendor.POSTGRESQL.value:
        with connection.cursor() as cursor:
            cursor.execute(WITH_A_FILE, [list(tables)])
            tables = [name for (name,) in cursor.fetchall()]
    names = {connection.ops.quote_name(one): one for one in tables}
    return frozenset(names[one] for one in filled_quoted(connection, [*names]))


def filled_quoted(connection: Any, tables: Sequence[str], locking: str = "") -> Iterator[str]:
    """Those of these quoted tables that have rows.

    Args:
        locking: What lets a query wait for rows that others have inserted and not committed.
    """
    rest = iter(tables)
    with connection.cursor() as cursor:
        while some := list(islice(rest, TABLES_AT_ONCE)):
            asked = ", ".join(f"EXISTS (SELECT 1 FROM {one}{locking})" for one in some)  # noqa: S608
            cursor.execute(f"SELECT {asked}")
            yield from (one for one, has in zip(some, cursor.fetchone(), strict=True) if has)


def insert(
    connection: Any, table: str, columns: Sequence[tuple[str, type]], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows of texts and numbers, in this order.

    Through Django's objects it takes ten times as long.
    """
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name, _ in columns)
    into = f"INSERT INTO {quote(table)} ({names})"
    with connection.cursor() as cursor:
        if connection.vendor == Vendor.POSTGRESQL.value:
            # Of many parameters, psycopg makes a text more slowly than the server inserts them.
            values = ", ".join(
                f"(one ->> {place}){'::bigint' if kind is int else ''}"
                for place, (_, kind) in enumerate(columns)
            )
            cursor.execute(
                f"{into} SELECT {values}"  # noqa: S608
                " FROM json_array_elements(%s::json) WITH ORDINALITY AS every (one, nth)"
                " ORDER BY nth",
                [json.dumps(rows)],
            )
            return
        row = f"({', '.join(['%s'] * len(columns))})"
        most = connection.features.max_query_params
        size = most // len(columns) if most else len(rows)
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            cursor.execute(
                f"{into} VALUES {', '.join([row] * len(some))}",
                [value for one in some for value in one],
            )


@contextmanager
def untold(connection: Any) -> Iterator[None]:
    """Let PostgreSQL fire no trigger, not even those that check references, in a transaction.

    They take longer than to insert the rows. What is inserted has to be what they would let pass.
    """
    if connection.vendor != Vendor.POSTGRESQL.value:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")
