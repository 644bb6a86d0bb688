"""Queries the identity of the server that a driver's connection reached.

Uses a driver's lower layer if it has one: a test may watch or replace the methods of connections
and cursors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def ask(connection: Any, statement: str, drivers: Mapping[str, Callable[[Any, str], str]]) -> str:
    """Run a query on a new driver connection, and return its only value.

    Args:
        drivers: The functions that run it with each driver, by the driver's package.

    Returns:
        The value; an empty string if the connection is a test's substitute for a driver's.
    """
    if "sqlalchemy" in _packages(connection):
        # Its pools return a wrapper around the driver's connection.
        connection = connection.dbapi_connection
    driver = next(iter(_packages(connection) & drivers.keys()), None)
    return "" if driver is None else drivers[driver](connection, statement)


def _packages(connection: Any) -> set[str]:
    """Return the top-level packages of a connection's class and its base classes."""
    return {kind.__module__.partition(".")[0] for kind in type(connection).__mro__}
