"""Queries for PostgreSQL sessions and their locks while migrations run."""

from __future__ import annotations

from typing import Any, Final

from ctest_containers.backends.relation_locks import Touched
from ctest_containers.backends.support import SessionQuestions

SESSION: Final = SessionQuestions(
    read_only="SET default_transaction_read_only = on",
    queries=(
        "SELECT name, setting FROM pg_settings WHERE source IN ('client', 'session') ORDER BY name",
        "SELECT current_user, session_user",
        "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() ORDER BY relname",
        """
        SELECT classid, objid FROM pg_locks
        WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY classid, objid
        """,
    ),
    keeping=None,
    keeping_words=(),
    defaults="""
    SELECT format('%I.%I', n.nspname, c.relname), c.relname || '.' || a.attname,
        pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attrdef d
    JOIN pg_class c ON c.oid = d.adrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND a.attgenerated = ''
        AND c.relkind = 'r'
    """,
)

FIRST_OF_USERS: Final = 16384
"""The lowest OID of relations that users create."""

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
"""All relations that were touched, except Django's table of applied migrations."""


class PostgresqlLocks:
    """See `Locks`.

    A transaction keeps its locks until it ends, unless it rolls back to a savepoint. So they name
    every table that it has read or written, even through views, triggers, functions and foreign
    keys. https://www.postgresql.org/docs/current/view-pg-locks.html
    """

    of_schemas = frozenset(
        {
            *(
                "pg_attrdef",
                "pg_attribute",
                "pg_class",
                "pg_constraint",
                "pg_depend",
                "pg_description",
            ),
            *("pg_index", "pg_sequence", "pg_shdepend", "pg_statistic", "pg_trigger", "pg_type"),
        }
    )
    check_now = "SET CONSTRAINTS ALL IMMEDIATE"

    def read_touched(self, cursor: Any) -> Touched:
        cursor.execute(LOCKS)
        touched: Touched = {}
        for number, name, mode in cursor.fetchall():
            key = str(number) if number >= FIRST_OF_USERS else str(name)
            letters = touched.get(key, "")
            letter = MODES.get(mode, "x")
            touched[key] = letters if letter in letters else letters + letter
        return touched
