"""Notices what is committed to a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import Any, Final

from ctest_containers.backends.observing import NO_ROWS, TableState
from ctest_containers.backends.postgresql.catalog import OWN_RELATION
from ctest_containers.backends.postgresql.session import admin_cursor
from ctest_containers.model import Address

PREPARE: Final = """
PREPARE committed (bigint, bigint[]) AS
WITH now AS (SELECT txid_current_snapshot() AS snapshot)
SELECT txid_snapshot_xmax(snapshot), ARRAY(SELECT txid_snapshot_xip(snapshot)), EXISTS (
    SELECT FROM (
        SELECT generate_series($1, txid_snapshot_xmax(snapshot) - 1)
        UNION ALL SELECT unnest($2)
    ) AS transactions (id) WHERE txid_status(id) = 'committed'
) FROM now
"""
"""The next transaction's number, those that run, and whether one of the earlier ones committed.

Only transactions that write have a number. It is the same for all databases of a server.
"""

COMMITTED: Final = "EXECUTE committed (%(since)s, %(running)s::bigint[])"

TABLES: Final = (
    "SELECT name, quoted, relkind = 'p'"  # noqa: S608  # Constants.
    # pg_relation_size would open every table, which is slow.
    " OR (pg_stat_file(pg_relation_filepath(oid), true)).size > 0"
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

BEGIN: Final = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;"
    " SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = 0; SET LOCAL row_security = off;"
    " SET LOCAL search_path = pg_catalog; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO';"
    " SET LOCAL bytea_output = 'hex'; SET LOCAL IntervalStyle = 'postgres';"
    " SET LOCAL extra_float_digits = 1; SET LOCAL lc_monetary = 'C'"
)
"""Rows have the same text in every session, no lock is awaited for long, and no row is hidden."""

AT_ONCE: Final = 10
"""So few tables are read without a look into the catalogs, whether they may have rows."""


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
        self._quoted: dict[str, str] = {}
        self._since = 0
        self._running: Sequence[int] = ()

    def has_changed(self) -> bool:
        import psycopg2

        is_new = self._cursor is None
        if is_new:
            self._cursor = self._session.enter_context(admin_cursor(self._address))
            self._cursor.execute(PREPARE)
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

    def survey(
        self, tables: Collection[str] | None = None, session: Any = None
    ) -> Mapping[str, TableState]:
        """See `Observer`; a session that is already open knows the catalogs, a new one is slow."""
        with suppress(Exception), _borrowed(session, self._database) as cursor:
            if tables is not None and len(tables) <= AT_ONCE and self._quoted.keys() >= {*tables}:
                # If one of them has been dropped, this fails.
                return _states(cursor, [(name, self._quoted[name]) for name in tables])
            return self._survey(cursor, tables)
        with admin_cursor(self._address, self._database) as cursor:
            cursor.execute(BEGIN)
            return self._survey(cursor, tables)

    def _survey(self, cursor: Any, tables: Collection[str] | None) -> Mapping[str, TableState]:
        cursor.execute(TABLES, {"names": None if tables is None else list(tables)})
        rows = cursor.fetchall()
        self._quoted.update({str(name): str(quoted) for name, quoted, _ in rows})
        filled = [(str(name), quoted) for name, quoted, may_have_rows in rows if may_have_rows]
        return dict.fromkeys((str(name) for name, *_ in rows), NO_ROWS) | _states(cursor, filled)

    def close(self) -> None:
        self._forget_session()

    def _forget_session(self) -> None:
        session, self._session, self._cursor = self._session, ExitStack(), None
        session.close()


def _states(cursor: Any, tables: Sequence[tuple[str, str]]) -> dict[str, TableState]:
    if not tables:
        return {}
    cursor.execute(" UNION ALL ".join(STATE.format(table=quoted) for _, quoted in tables))
    return {
        name: TableState(count, digest) if count else NO_ROWS
        for (name, _), (count, digest) in zip(tables, cursor.fetchall(), strict=True)
    }


@contextmanager
def _borrowed(session: Any, database: str) -> Iterator[Any]:
    """Yield a cursor of the tests' own session, in a transaction that leaves nothing behind.

    Raises:
        Exception: The session is not idle, prepares statements, or is one of another database or of
            an unknown driver.
    """
    driver = import_module(type(session).__module__.partition(".")[0])
    info = session.info
    is_idle = session.autocommit and not info.transaction_status and info.dbname == database
    if not is_idle or getattr(session, "prepare_threshold", None) is not None:
        raise ValueError
    if driver.__name__ == "psycopg":
        cursor = driver.Cursor(session, row_factory=driver.rows.tuple_row)
    else:
        cursor = session.cursor(cursor_factory=driver.extensions.cursor)
    with cursor:
        try:
            cursor.execute(BEGIN)
            yield cursor
        finally:
            cursor.execute("ROLLBACK")


def observe(address: Address | None, database: str) -> PostgresqlObserver:
    """Return an observer of a database; see `Observer`."""
    assert address is not None
    return PostgresqlObserver(address, database)
