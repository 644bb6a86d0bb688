"""Asks the server at the other end of a driver's connection which one it is.

Where a driver has a lower layer, that is used: a test may watch or replace the methods of
connections and cursors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def ask(connection: Any, statement: str, drivers: Mapping[str, Callable[[Any, str], str]]) -> str:
    """Run a query on a new driver connection, and return its only value.

    Args:
        drivers: What runs it with each driver, by the driver's package.

    Returns:
        An empty string if the connection is not a driver's, but a test's stand-in for one.
    """
    if "sqlalchemy" in _packages(connection):
        # Its pools hand out something that stands before the driver's connection.
        connection = connection.dbapi_connection
    driver = next(iter(_packages(connection) & drivers.keys()), None)
    return "" if driver is None else drivers[driver](connection, statement)


def _packages(connection: Any) -> set[str]:
    """Where the class of a connection comes from, and what it is derived from."""
    return {kind.__module__.partition(".")[0] for kind in type(connection).__mro__}
