"""Notices what is committed to a database of MySQL or MariaDB."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from typing import Any, Final

from ctest_containers.backends.mysql.catalog import lift_limits, quoted
from ctest_containers.backends.mysql.session import admin_cursor
from ctest_containers.backends.observing import NO_ROWS, TableState
from ctest_containers.errors import ServerError
from ctest_containers.model import Address

COUNTERS: Final = ("trx_rw_commits", "trx_ro_commits", "trx_rollbacks")
"""InnoDB's counters: a transaction that is rolled back counts as a commit, too.

Queries outside of transactions count in neither.
"""

COMMITTED: Final = (
    "SELECT sum(CASE name WHEN 'trx_rollbacks' THEN -count ELSE count END)"
    " FROM information_schema.innodb_metrics"
    " WHERE name IN ('trx_rw_commits', 'trx_ro_commits', 'trx_rollbacks')"
)

TABLES: Final = (
    "SELECT table_name, update_time >= %s, now() - INTERVAL 1 SECOND FROM information_schema.tables"
    " WHERE table_schema = %s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    # The excluded engines store no rows of their own.
    " AND engine NOT IN ('CONNECT', 'FEDERATED', 'MRG_MYISAM', 'SPIDER')"
)
"""Each table, whether a commit has changed it since a second, and the second before this one.

It is NULL if no commit ever changed the table.
"""

AT_ONCE: Final = 100
"""How many tables one statement counts."""


class MysqlObserver:
    """See `Observer`."""

    def __init__(self, address: Address, database: str) -> None:
        self._address = address
        self._database = database
        self._session = ExitStack()
        self._cursor: Any = None
        self._commits = -1
        self._states: dict[str, TableState] = {}
        self._surveyed: Any = None

    def has_changed(self) -> bool:
        import mysql.connector

        before = self._commits
        try:
            cursor = self._opened()
            cursor.execute(COMMITTED)
            ((commits,),) = cursor.fetchall()
        except mysql.connector.Error:
            # A test may end every session of its server.
            self._forget_session()
            return True
        self._commits = int(commits)
        return self._commits != before

    def survey(
        self, tables: Collection[str] | None = None, session: Any = None
    ) -> Mapping[str, TableState]:
        """See `Observer`; only what has changed since the last survey is read.

        InnoDB notes the second of a commit, by a clock that may be some milliseconds slow, so
        tables that changed in the second before the last survey are read again.
        """
        import mysql.connector

        del session
        now: Any = None
        try:
            cursor = self._opened()
            cursor.execute(TABLES, (self._surveyed, self._database))
            rows = []
            for name, changed, now in cursor.fetchall():  # noqa: B007  # The same for each.
                rows.append((str(name), changed))
            wanted = [
                name
                for name, changed in rows
                if (tables is None or name in tables) and (changed or name not in self._states)
            ]
            self._states.update(self._read(cursor, wanted))
        except mysql.connector.Error as error:
            self._forget_session()
            raise ServerError(f"The MySQL server reported an error: {error}") from error
        if tables is None:
            self._surveyed = now
            existing = {name for name, _ in rows}
            self._states = {name: self._states[name] for name in self._states if name in existing}
        return {name: self._states[name] for name, _ in rows if tables is None or name in tables}

    def close(self) -> None:
        self._forget_session()

    def _opened(self) -> Any:
        if self._cursor is None:
            self._cursor = cursor = self._session.enter_context(admin_cursor(self._address))
            lift_limits(cursor)
            # MySQL would return the time of the last query; MariaDB has no such variable.
            import mysql.connector

            with suppress(mysql.connector.Error):
                cursor.execute("SET SESSION information_schema_stats_expiry = 0")
            cursor.execute("SET SESSION lock_wait_timeout = 1")
            for name in COUNTERS:
                cursor.execute(f"SET GLOBAL innodb_monitor_enable = '{name}'")
        return self._cursor

    def _read(self, cursor: Any, tables: Iterable[str]) -> Mapping[str, TableState]:
        states = dict.fromkeys(tables, NO_ROWS)
        names, schema = list(states), quoted(self._database)
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            cursor.execute(
                " UNION ALL ".join(
                    f"SELECT count(*) FROM {schema}.{quoted(name)}"  # noqa: S608
                    for name in some
                )
            )
            counts = [int(count) for (count,) in cursor.fetchall()]
            filled = [name for name, count in zip(some, counts, strict=True) if count]
            if not filled:
                continue
            places = ", ".join(f"{schema}.{quoted(name)}" for name in filled)
            cursor.execute(f"CHECKSUM TABLE {places}")
            digests = [str(digest) for _, digest in cursor.fetchall()]
            known = dict(zip(some, counts, strict=True))
            for name, digest in zip(filled, digests, strict=True):
                states[name] = TableState(known[name], digest)
        return states

    def _forget_session(self) -> None:
        session, self._session, self._cursor = self._session, ExitStack(), None
        self._commits = -1
        session.close()


def observe(address: Address | None, database: str) -> MysqlObserver:
    """Return an observer of a database; see `Observer`."""
    assert address is not None
    return MysqlObserver(address, database)
