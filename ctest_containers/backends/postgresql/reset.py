"""Empties and fills a PostgreSQL database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from ctest_containers.backends.deletions import DELETE, Deletions, insert_into
from ctest_containers.backends.support import Columns, LeftToDjango, Positions, Rows

LARGE_BYTES: Final = 8 * 2**20
"""From this size on, PostgreSQL truncates a table faster than it deletes its rows."""

SURVEY: Final = """
WITH RECURSIVE named AS (
    SELECT oid FROM pg_class
    WHERE relname = ANY(%s) AND relkind IN ('r', 'p', 'f') AND pg_table_is_visible(oid)
), flushed AS (
    SELECT oid FROM named
    UNION
    SELECT conrelid FROM pg_constraint JOIN flushed ON confrelid = flushed.oid WHERE contype = 'f'
), known AS (
    SELECT format('%%I.%%I', nspname, relname) AS name, relname, c.oid,
        c.oid IN (SELECT oid FROM named) AS is_named,
        relkind <> 'r' OR relhassubclass OR relispartition OR relhasrules AS is_special,
        (SELECT bool_or(tgtype & 32 > 0 OR tgenabled IN ('A', 'R')) FROM pg_trigger
         WHERE tgrelid = c.oid AND NOT tgisinternal) AS triggers,
        CASE relkind WHEN 'r'
            THEN (pg_stat_file(pg_relation_filepath(c.oid), true)).size ELSE 0 END AS bytes
    FROM pg_class c JOIN flushed USING (oid) JOIN pg_namespace n ON n.oid = relnamespace
)
SELECT name, relname, oid, is_named, is_special, triggers, bytes FROM known
WHERE bytes > 0 OR NOT is_named OR is_special OR triggers IS NOT NULL
"""
"""The tables that a TRUNCATE with CASCADE would empty, unless they are empty and ordinary.

A table whose file is empty has had no row since it was last emptied, not even a deleted one.
"""

WITH_A_FILE: Final = """
SELECT relname FROM pg_class
WHERE relname = ANY(%s) AND pg_table_is_visible(oid)
    AND (relkind <> 'r' OR (pg_stat_file(pg_relation_filepath(oid), true)).size > 0)
"""
"""The tables that may have rows, so that PostgreSQL need not open the others, which is slow."""

SEQUENCES: Final = (
    "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences"
    " WHERE schemaname NOT LIKE 'pg!_%' ESCAPE '!'"
)


class PostgresqlReset(Deletions):
    """See `Reset`."""

    triggered = (
        "SELECT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
        " WHERE NOT tgisinternal LIMIT 1"
    )

    def clear(self, connection: Any, tables: Sequence[str], *, cascade: bool) -> frozenset[str]:
        """Delete the rows of tables that have some, and shrink their files.

        Django truncates all tables, which creates new files for each and for its indexes. Rows that
        were only deleted would leave space behind, and queries would return later rows in another
        order than from new files, so the tables are vacuumed. Their statistics then equal those of
        new tables.
        """
        from django.db import transaction

        with connection.cursor() as cursor:
            cursor.execute(SURVEY, [list(tables)])
            survey = cursor.fetchall()
        dirty: list[tuple[str, int]] = []
        triggered = set()
        for name, plain_name, oid, is_named, is_special, triggers, size in survey:
            if not is_named and not cascade:
                raise LeftToDjango(f"the table {plain_name} refers to tables that are flushed")
            if is_special:
                raise LeftToDjango(f"the table {plain_name} has parts or rules")
            if triggers:
                raise LeftToDjango(
                    f"the table {plain_name} has a trigger that a deletion would fire"
                )
            if triggers is not None:
                triggered.add(plain_name)
            if size >= LARGE_BYTES:
                raise LeftToDjango(f"the table {plain_name} has {size // 2**20} MiB")
            if size:
                dirty.append((name, oid))
        if not dirty:
            return frozenset(triggered)
        deletions = "; ".join(f"{DELETE}{name}" for name, _ in dirty)
        names = ", ".join(name for name, _ in dirty)
        oids = ", ".join(str(oid) for _, oid in dirty)
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            # Like TRUNCATE, waits for other sessions to commit. Then no trigger fires, not even
            # those that check foreign keys.
            cursor.execute(
                f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE;"
                f" SET LOCAL session_replication_role = replica; {deletions};"
                " SET LOCAL session_replication_role = origin"
            )
        # In a transaction, this is a comparison, which only checks the rows and rolls back.
        if not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute(f"VACUUM (INDEX_CLEANUP ON, TRUNCATE ON) {names}")
                cursor.execute(
                    f"UPDATE pg_class SET reltuples = -1 WHERE oid IN ({oids}) AND reltuples = 0"  # noqa: S608
                )
        return frozenset(triggered)

    def filled(self, connection: Any, tables: Sequence[str]) -> frozenset[str]:
        with connection.cursor() as cursor:
            cursor.execute(WITH_A_FILE, [list(tables)])
            tables = [name for (name,) in cursor.fetchall()]
        return super().filled(connection, tables)

    def insert(self, connection: Any, table: str, columns: Columns, rows: Rows) -> None:
        """See `Reset`.

        One JSON parameter: psycopg formats separate ones more slowly than the server inserts them.
        """
        values = ", ".join(
            f"(one ->> {place}){'::bigint' if kind is int else ''}"
            for place, (_, kind) in enumerate(columns)
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"{insert_into(connection, table, columns)} SELECT {values}"  # noqa: S608
                " FROM json_array_elements(%s::json) WITH ORDINALITY AS every (one, nth)"
                " ORDER BY nth",
                [json.dumps(rows)],
            )

    @contextmanager
    def without_triggers(self, connection: Any) -> Iterator[None]:
        """See `Reset`; checking foreign keys takes longer than inserting the rows."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield
            cursor.execute("SET LOCAL session_replication_role = origin")

    def positions(self, connection: Any) -> Positions:
        positions = {}
        with connection.cursor() as cursor:
            cursor.execute(SEQUENCES)
            for (name,) in cursor.fetchall():
                cursor.execute(f"SELECT last_value, is_called FROM {name}")  # noqa: S608
                positions[name] = tuple(cursor.fetchone())
        return positions

    def bring_back(self, connection: Any, before: Positions) -> None:
        now = self.positions(connection)
        with connection.cursor() as cursor:
            for name, place in before.items():
                if now.get(name) != place:
                    cursor.execute("SELECT setval(%s, %s, %s)", [name, *place])
