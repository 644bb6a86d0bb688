"""Asks the server at the other end of a driver's connection which one it is.

Where a driver has a lower layer, that is used: a test may watch or replace the methods of
connections and cursors.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

DRIVERS: Final = frozenset({"psycopg", "psycopg2", "MySQLdb", "pymysql", "mysql"})
"""The packages of drivers."""


def ask(connection: Any, statement: str) -> str:
    """Run a query on a new driver connection, and return its only value.

    Returns:
        An empty string if the connection is not a driver's, but a test's stand-in for one.
    """
    if "sqlalchemy" in _packages(connection):
        # Its pools hand out something that stands before the driver's connection.
        connection = connection.dbapi_connection
    match next(iter(_packages(connection) & DRIVERS), ""):
        case "":
            return ""
        case "psycopg":
            value = connection.pgconn.exec_(statement.encode()).get_value(0, 0)
            return "" if value is None else bytes(value).decode()
        case "psycopg2":
            extensions = sys.modules["psycopg2.extensions"]
            with extensions.cursor(connection) as cursor:
                cursor.execute(statement)
                value = cursor.fetchone()[0]
            # The driver has begun a transaction.
            extensions.connection.rollback(connection)
            return str(value)
        case "MySQLdb":
            lower = sys.modules["MySQLdb._mysql"].connection
            lower.query(connection, statement.encode())
            value = lower.store_result(connection).fetch_row()[0][0]
            return value.decode() if isinstance(value, bytes) else str(value)
        case _:
            return _by_cursor(connection, statement)


def _packages(connection: Any) -> set[str]:
    """Where the class of a connection comes from, and what it is derived from."""
    return {kind.__module__.partition(".")[0] for kind in type(connection).__mro__}


def _by_cursor(connection: Any, statement: str) -> str:
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        row = cursor.fetchone()
    finally:
        cursor.close()
    connection.rollback()
    return str(next(iter(row.values())) if isinstance(row, Mapping) else row[0])
