"""Empties the tables that Django's flush would empty, by cheaper means with the same result.

What is said here of Django is what `django.core.management.commands.flush` and the `sql_flush` of
its backends do, in every version from 4.2 on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ctest_containers.backends.rows import filled_quoted
from ctest_containers.model import Vendor

TRIGGERED: Final = {
    Vendor.POSTGRESQL.value: (
        "SELECT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
        " WHERE NOT tgisinternal LIMIT 1"
    ),
    Vendor.MYSQL.value: (
        "SELECT event_object_table FROM information_schema.triggers"
        " WHERE trigger_schema = DATABASE() LIMIT 1"
    ),
    Vendor.SQLITE.value: "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' LIMIT 1",
}
"""Asks for a table with a trigger."""

LOCKING: Final = {Vendor.MYSQL.value: " LIMIT 1 LOCK IN SHARE MODE", Vendor.SQLITE.value: ""}
"""What lets a query wait for rows that others have inserted and not committed."""

LARGE_BYTES: Final = 8 * 2**20
"""From this size on, PostgreSQL is quicker in truncating a table than in deleting its rows."""

DELETE: Final = "DELETE FROM "

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
"""What matters of the tables that a TRUNCATE would empty: with CASCADE, those that refer to them.

A table whose file is empty has had no row since it was emptied last, not even one that is gone.
"""


class LeftToDjango(Exception):  # noqa: N818  # It says what was not done, and is caught.
    """It is not certain to end as with Django's own means, which do whatever is left; says why.

    An empty reason is none that anybody needs to hear of.
    """


Clear = Callable[[Any, Sequence[str], bool], frozenset[str]]
"""Takes Django's connection, the names of tables, and whether those that refer to them go along.

Gives the tables that have triggers, which may tell what is inserted next.
"""


def clear_postgresql(connection: Any, tables: Sequence[str], cascade: bool) -> frozenset[str]:  # noqa: FBT001
    """Delete the rows of tables that have some, and give their files back.

    Django truncates all tables, which makes new files for each and for its indexes. Rows that were
    only deleted would leave their space behind, and later rows would be found in another order
    than in new files; so the tables are vacuumed. Their statistics are then those of new ones.
    """
    from django.db import transaction

    with connection.cursor() as cursor:
        cursor.execute(SURVEY, [list(tables)])
        found = cursor.fetchall()
    dirty: list[tuple[str, int]] = []
    triggered = set()
    for name, plain_name, oid, is_named, is_special, triggers, size in found:
        if not is_named and not cascade:
            raise LeftToDjango(f"the table {plain_name} refers to tables that are flushed")
        if is_special:
            raise LeftToDjango(f"the table {plain_name} has parts or rules")
        if triggers:
            raise LeftToDjango(f"the table {plain_name} has a trigger that a deletion would fire")
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
        # What others are about to commit is waited for, as TRUNCATE does. No trigger fires then,
        # not even those that check foreign keys.
        cursor.execute(
            f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE;"
            f" SET LOCAL session_replication_role = replica; {deletions};"
            " SET LOCAL session_replication_role = origin"
        )
    # A comparison looks at what the rows are, and rolls it back.
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM (INDEX_CLEANUP ON, TRUNCATE ON) {names}")
            cursor.execute(
                f"UPDATE pg_class SET reltuples = -1 WHERE oid IN ({oids}) AND reltuples = 0"  # noqa: S608
            )
    return frozenset(triggered)


def clear_by_deletions(connection: Any, tables: Sequence[str], cascade: bool) -> frozenset[str]:  # noqa: FBT001
    """Run those of Django's own statements that have something to delete."""
    from django.core.management.color import no_style
    from django.db import transaction

    refuse_triggers(connection)
    statements = [
        one.removesuffix(";")
        for one in connection.ops.sql_flush(
            no_style(), tables, reset_sequences=False, allow_cascade=cascade
        )
    ]
    targets = [one.removeprefix(DELETE) for one in statements if one.startswith(DELETE)]
    with transaction.atomic(using=connection.alias):
        if targets and connection.vendor == Vendor.SQLITE.value:
            with connection.cursor() as cursor:
                # To look is not to lock: what others are about to commit would not be seen.
                cursor.execute(f"{DELETE}{targets[0]} WHERE 0")
        with_rows = set(filled_quoted(connection, targets, locking=LOCKING[connection.vendor]))
        kept = [
            one
            for one in statements
            if not one.startswith(DELETE) or one.removeprefix(DELETE) in with_rows
        ]
        if with_rows:
            connection.ops.execute_sql_flush(kept)
    return frozenset()


def refuse_triggers(connection: Any) -> None:
    """Make sure that a database has no trigger, but those by which PostgreSQL checks references.

    Raises:
        LeftToDjango: It has one.
    """
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERED[connection.vendor])
        if row := cursor.fetchone():
            raise LeftToDjango(f"the table {row[0]} has a trigger")


CLEAR: Final[Mapping[str, Clear]] = {
    Vendor.POSTGRESQL.value: clear_postgresql,
    Vendor.MYSQL.value: clear_by_deletions,
    Vendor.SQLITE.value: clear_by_deletions,
}
"""By Django's names for the vendors."""
