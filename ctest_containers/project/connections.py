"""Points Django's connections at isolated databases."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from ctest_containers.clock import Deadline
from ctest_containers.model import SQLITE, Address, Lease
from ctest_containers.originals import ORIGINALS
from ctest_containers.project import guard
from ctest_containers.project.remembered import forget_server, remember_facts

SAVING_SECONDS: Final = 1.0
"""How long to wait for another connection's lock before an SQLite database is not saved."""

ENDING_SECONDS: Final = 1.0
"""How long a server may take to end after it has closed its connections."""


def settings_of(alias: str) -> dict[str, Any]:
    """A copy of an alias's settings as they are now, for `restore`."""
    from django.db import connections

    return dict(connections.settings[alias])


def redirect(lease: Lease) -> None:
    """Point an alias at an isolated database from now on, in every thread."""
    from django.db import connections

    connection = connections[lease.alias]
    disconnect([lease.alias])
    guard.lend(lease)
    forget_server(connection)
    if lease.load_from:
        _load(connection, lease.load_from)


def remember(alias: str, facts: Mapping[str, str]) -> None:
    """Give the connection of an alias the facts that `facts_of` has of an identical server."""
    from django.db import connections

    remember_facts(connections[alias], facts)


def settings_with(lease: Lease) -> dict[str, Any]:
    """An alias's settings that point at an isolated database."""
    settings = settings_of(lease.alias)
    options = {
        name: value
        for name, value in settings["OPTIONS"].items()
        if name not in lease.dropped_options
    }
    return {**settings, **lease.settings, "OPTIONS": options}


@contextmanager
def set_aside() -> Iterator[None]:
    """Hide the open connections of this thread in this block.

    They are not closed, neither here nor in a process that is forked meanwhile.
    """
    from django.db import connections

    known: list[Any] = [connections[alias] for alias in connections]
    held = [(connection, connection.connection) for connection in known]
    # Django keeps pools on the class, by alias.
    connection_pools: list[dict[str, Any]] = [
        getattr(connection, "_connection_pools", {}) for connection in known
    ]
    pools = [(pool, dict(pool)) for pool in connection_pools]
    for connection in known:
        connection.connection = None
    for pool in connection_pools:
        pool.clear()
    try:
        yield
    finally:
        for connection, open_connection in held:
            connection.connection = open_connection
        for pool, before in pools:
            pool.update(before)


def restore(before: Mapping[str, Mapping[str, Any]]) -> None:
    """Disconnect aliases, and restore their settings."""
    from django.db import connections

    disconnect(before)
    for alias, settings in before.items():
        guard.take_back(alias, settings)
        forget_server(connections[alias])


def unreachable(leases: Iterable[Lease]) -> list[str]:
    """The aliases whose server can no longer be reached.

    A server that has just closed a connection may be ending; this waits for it.
    """
    gone = []
    for lease in leases:
        if lease.address is None:
            continue
        deadline = Deadline(ENDING_SECONDS if was_closed(lease.alias) else 0.0)
        while listens := _listens(lease.address):
            if deadline.passed:
                break
            ORIGINALS.sleep(0.01)
        if not listens:
            gone.append(lease.alias)
    return gone


def raw(alias: str) -> Any:
    """The driver's own connection of an alias in this thread; None if it is not connected."""
    from django.db import connections

    return connections[alias].connection


def was_closed(alias: str) -> bool:
    """Whether the server has closed a connection, according to the driver."""
    from django.db import connections

    connection = connections[alias].connection
    # psycopg has the one, drivers of MySQL the other.
    return bool(getattr(connection, "closed", False)) or not getattr(connection, "open", True)


def _listens(address: Address) -> bool:
    probe = ORIGINALS.socket(socket.AF_UNIX if address.socket else socket.AF_INET)
    try:
        probe.settimeout(1)
        probe.connect(address.socket or (address.host, address.port))
    except (TimeoutError, BlockingIOError):
        # The server is busy: it has not accepted earlier connections yet.
        return True
    except OSError:
        return False
    finally:
        probe.close()
    return True


def disconnect(aliases: Iterable[str]) -> None:
    """Close connections for good, pools and databases in memory included."""
    from django.db import connections

    for alias in aliases:
        guard.close(connections[alias])


def save_sqlite(alias: str, file: Path) -> None:
    """Write an SQLite database, in memory or not, to a file."""
    from django.db import connections

    connection = connections[alias]
    connection.ensure_connection()
    with closing(sqlite3.connect(file)) as target:
        connection.connection.backup(target)


def save_files(leases: Iterable[Lease], folder: Path) -> dict[str, str]:
    """Write SQLite databases into files, as their own connections see them.

    Returns:
        The path of each file, by alias.

    Raises:
        OSError: A file cannot be written.
    """
    files = {}
    for lease in leases:
        if lease.vendor == SQLITE:
            file = folder / f"failed-{lease.alias}.sqlite3"
            file.unlink(missing_ok=True)
            _save_uncommitted(lease.alias, file)
            files[lease.alias] = str(file)
    return files


def _save_uncommitted(alias: str, file: Path) -> None:
    """Write an SQLite database to a file, with what its transaction has not committed.

    It waits for no lock: a thread of the test may hold one until the test goes on.

    Raises:
        OSError: The file cannot be written.
        sqlite3.Error: Another connection has locked the database.
    """
    from django.db import connections

    connection = connections[alias]
    connection.ensure_connection()
    own = connection.connection
    if hasattr(own, "serialize"):
        file.write_bytes(own.serialize())
    elif own.in_transaction:
        # Python 3.10; a backup would wait for the end of the transaction.
        with closing(sqlite3.connect(file)) as target:
            target.executescript("".join(f"{line}\n" for line in own.iterdump()))
    else:
        deadline = Deadline(SAVING_SECONDS)

        def check(*_: int) -> None:
            if deadline.passed:
                raise sqlite3.OperationalError("another connection has locked it")

        with closing(sqlite3.connect(file)) as target:
            own.backup(target, progress=check, sleep=0.01)


def serialize(aliases: Iterable[str]) -> None:
    """Store the database's contents for tests with `serialized_rollback`, as Django does."""
    from django.db import connections

    for alias in aliases:
        connection: Any = connections[alias]
        connection._test_serialized_contents = connection.creation.serialize_db_to_string()


def log_queries() -> None:
    """Log the queries of every connection, for --debug-sql."""
    from django.db import connections

    for alias in connections:
        connections[alias].force_debug_cursor = True


def mark_expectations(aliases: Iterable[str]) -> None:
    """Mark the tests of Django's own suite that it expects to fail, or skips, here."""
    from django.db import connections

    if os.environ.get("RUNNING_DJANGOS_TEST_SUITE") == "true":
        for alias in aliases:
            connections[alias].creation.mark_expected_failures_and_skips()


def _load(connection: Any, file: str) -> None:
    name = str(connection.settings_dict["NAME"])
    if connection.creation.is_in_memory_db(name):
        connection.ensure_connection()
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source:
            source.backup(connection.connection)
    else:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        with (
            closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(name)) as target,
        ):
            source.backup(target)
