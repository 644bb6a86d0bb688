"""Notices what is committed to a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from ctest_containers.backends.observing import NO_ROWS, TableState
from ctest_containers.backends.postgresql.catalog import OWN_RELATION
from ctest_containers.backends.postgresql.session import admin_cursor
from ctest_containers.model import Address

COMMITTED: Final = """
WITH now AS (SELECT txid_current_snapshot() AS snapshot)
SELECT txid_snapshot_xmax(snapshot), ARRAY(SELECT txid_snapshot_xip(snapshot)), EXISTS (
    SELECT FROM (
        SELECT generate_series(%(since)s, txid_snapshot_xmax(snapshot) - 1)
        UNION ALL SELECT unnest(%(running)s::bigint[])
    ) AS transactions (id) WHERE txid_status(id) = 'committed'
) FROM now
"""
"""The next transaction's number, those that run, and whether one of the earlier ones committed.

Only transactions that write have a number. It is the same for all databases of a server.
"""

TABLES: Final = (
    "SELECT name, quoted, relkind = 'p' OR pg_relation_size(oid) > 0"  # noqa: S608  # Constants.
    " FROM (SELECT c.oid, c.relkind,"
    " CASE WHEN n.nspname = 'public' OR count(*) OVER (PARTITION BY c.relname) = 1"
    " THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,"
    " CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END"
    " || format('%%I.%%I', n.nspname, c.relname) AS quoted"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OWN_RELATION}"
    ") AS own WHERE %(names)s::text[] IS NULL OR name = ANY(%(names)s)"
)
"""Each table's name, its name in statements, and whether it may have rows.

Models name tables without their schema, which the project's search path decides. The rows of a
partition are those of its table.
"""

STATE: Final = (
    'SELECT count(*), sum(hashtextextended((ctest_row.*)::text COLLATE "C", 0))::text'
    " FROM {table} ctest_row"
)

SAME_TEXT: Final = (
    "SET lock_timeout = '1s'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET bytea_output = "
    "'hex'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1"
)
"""Rows have the same text each time, and no lock is awaited for long."""


class PostgresqlObserver:
    """See `Observer`.

    The session that stays open is one of the maintenance database: a test may copy or drop its own
    database, which must have no other sessions then.
    """

    def __init__(self, address: Address, database: str) -> None:
        self._address = address
        self._database = database
        self._session = ExitStack()
        self._cursor: Any = None
        self._since = 0
        self._running: Sequence[int] = ()

    def has_changed(self) -> bool:
        import psycopg2

        is_new = self._cursor is None
        if is_new:
            self._cursor = self._session.enter_context(admin_cursor(self._address))
        # Without an earlier number, ask for none: every number is lower than this one.
        since = 2**62 if is_new else self._since
        running = () if is_new else self._running
        try:
            self._cursor.execute(COMMITTED, {"since": since, "running": list(running)})
            self._since, self._running, has_committed = self._cursor.fetchone()
        except psycopg2.Error:
            # A test may end every session of its server.
            self._forget_session()
            return True
        return is_new or bool(has_committed)

    def survey(self, tables: Collection[str] | None = None) -> Mapping[str, TableState]:
        with admin_cursor(self._address, self._database) as cursor:
            cursor.execute(SAME_TEXT)
            cursor.execute(TABLES, {"names": None if tables is None else list(tables)})
            known = cursor.fetchall()
            states = dict.fromkeys((str(name) for name, *_ in known), NO_ROWS)
            filled = [(str(name), quoted) for name, quoted, may_have_rows in known if may_have_rows]
            if filled:
                parts = (STATE.format(table=quoted) for _, quoted in filled)
                cursor.execute(" UNION ALL ".join(parts))
                for (name, _), (count, digest) in zip(filled, cursor.fetchall(), strict=True):
                    states[name] = TableState(count, digest) if count else NO_ROWS
        return states

    def close(self) -> None:
        self._forget_session()

    def _forget_session(self) -> None:
        session, self._session, self._cursor = self._session, ExitStack(), None
        session.close()


def observe(address: Address | None, database: str) -> PostgresqlObserver:
    """Return an observer of a database; see `Observer`."""
    assert address is not None
    return PostgresqlObserver(address, database)
