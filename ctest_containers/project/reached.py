"""Verifies that a new connection has reached the database that its alias was lent.

A backend may remember a server that it connected to before, and ignore the settings of its alias.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ctest_containers.backends import BACKENDS, sqlite
from ctest_containers.errors import ProjectError
from ctest_containers.model import Lease
from ctest_containers.originals import ORIGINALS

REMEMBERS: Final = (
    "It probably caches the first address that it connected to and ignores changed settings. In "
    "your test settings, set ENGINE to the backend that it subclasses."
)


@contextmanager
def verified(connection: Any, lease: Lease, *, renamed: bool) -> Iterator[None]:
    """Ask a new connection which server it has reached, before any code uses it.

    Args:
        renamed: Whether it connects to the NAME of the lease while its settings keep their own.

    Raises:
        ProjectError: It has not reached what its alias was lent; the connection is closed.
    """
    shadowed = vars(connection).get("get_new_connection")
    reach, settings = connection.get_new_connection, connection.settings_dict

    def get_new_connection(parameters: Any) -> Any:
        try:
            opened = reach(parameters)
        except Exception as error:
            _explain(connection, error, lease)
            raise
        _check(connection, opened, lease)
        return opened

    connection.get_new_connection = get_new_connection
    name = settings["NAME"]
    if renamed:
        settings["NAME"] = lease.settings["NAME"]
    try:
        yield
    finally:
        settings["NAME"] = name
        del connection.get_new_connection
        if shadowed is not None:
            connection.get_new_connection = shadowed


def _check(connection: Any, opened: Any, lease: Lease) -> None:
    """Close a new connection that has not reached the database that its alias was lent.

    Raises:
        ProjectError: It has reached something else.
    """
    wanted = str(lease.settings["NAME"] if lease.address is None else lease.address)
    try:
        reached = _elsewhere(opened, lease)
    except BaseException:
        opened.close()
        raise
    if reached is None:
        return
    opened.close()
    raise ProjectError(
        f"The backend {connection.settings_dict['ENGINE']} connected the database {lease.alias!r} "
        f"to {reached or 'another server'} instead of {wanted}; the connection was closed.",
        REMEMBERS,
    )


def _explain(connection: Any, error: Exception, lease: Lease) -> None:
    """Add a note to a connection error if the backend has tried another server than the lent one.

    The error stays what it is: a test may simulate it. Before Python 3.11, errors have no notes.
    """
    if lease.address is None or not hasattr(error, "add_note"):
        return
    tried = BACKENDS[lease.vendor].attempted_address(str(error))
    if tried and tried not in {lease.address.socket, lease.address.host, str(lease.address)}:
        error.add_note(
            f"The backend {connection.settings_dict['ENGINE']} tried to connect the database "
            f"{lease.alias!r} to {tried} instead of {lease.address}.\n{REMEMBERS}"
        )


def _elsewhere(opened: Any, lease: Lease) -> str | None:
    """The endpoint of a new connection that has not reached the lent database; None if it has."""
    if lease.address is None:
        file = _file_of(opened)
        return None if file is None or _is_file(file, str(lease.settings["NAME"])) else file
    backend = BACKENDS[lease.vendor]
    if not lease.address.identity:
        return None
    if backend.identity_of(opened) in {"", lease.address.identity}:
        return None
    try:
        return backend.reached_by(opened)
    except Exception:  # noqa: BLE001  # A pool may return an object that only resembles a connection.
        return ""


def _file_of(opened: Any) -> str | None:
    """The file of an SQLite connection; empty for memory, None if it is unknown."""
    if not isinstance(opened, sqlite3.Connection):
        return None
    cursor = sqlite3.Cursor(opened)
    return next(str(row[2] or "") for row in cursor.execute("PRAGMA database_list"))


def _is_file(reached: str, name: str) -> bool:
    if sqlite.in_memory(name) or not reached:
        return not reached and sqlite.in_memory(name)
    here, there = ORIGINALS.stat(reached), ORIGINALS.stat(name)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
