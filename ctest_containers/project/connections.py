"""Points Django's connections at isolated databases, and away from the configured ones."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from ctest_containers.clock import Deadline
from ctest_containers.errors import ProjectError
from ctest_containers.model import Address, Lease
from ctest_containers.project.queries import count_queries

ENDING_SECONDS: Final = 1.0
"""What a server may take from closing its connections to its end."""

CREDENTIALS: Final = ("HOST", "PORT", "USER", "PASSWORD", "OPTIONS")


@contextmanager
def guarded(resolve: Callable[[str], None]) -> Iterator[None]:
    """Ask before any alias connects, so that no configured database is ever touched.

    That goes for connections made by hand from an alias's settings, too: for Django's own to the
    server's maintenance database, and for copies that a test makes. Afterwards every alias has the
    settings back that it had before.

    Args:
        resolve: Called with the alias just before it connects. It redirects the alias, or raises.
    """
    from django.db import connections
    from django.db.backends.base.base import BaseDatabaseWrapper

    previous = BaseDatabaseWrapper.connect
    # A forked child has its parent's guard, which it must not ask, but whose knowledge it needs.
    original = getattr(previous, "unguarded", previous)
    configured: dict[str, tuple[str, ...]] = getattr(previous, "configured", None) or {
        alias: (connections[alias].vendor, *_place(connections[alias].vendor, settings))
        for alias, settings in connections.settings.items()
    }
    before = {alias: dict(settings) for alias, settings in connections.settings.items()}

    def connect(self: Any) -> None:
        own = self.settings_dict
        place = (self.vendor, *_place(self.vendor, own))
        if own is connections.settings.get(self.alias):
            resolve(self.alias)
            if place != ("unknown",) and (self.vendor, *_place(self.vendor, own)) == (
                configured.get(self.alias)
            ):
                raise ProjectError(
                    f"The database {self.alias!r} has no isolated counterpart, and the configured "
                    "one is not for tests."
                )
        elif self.vendor != "sqlite":
            for alias in (one for one, known in configured.items() if known == place):
                resolve(alias)
                own.update({name: connections.settings[alias][name] for name in CREDENTIALS})
                break
        count_queries(self)
        original(self)

    connect.unguarded = original  # type: ignore[attr-defined]
    connect.configured = configured  # type: ignore[attr-defined]
    BaseDatabaseWrapper.connect = connect  # type: ignore[method-assign]
    try:
        yield
    finally:
        BaseDatabaseWrapper.connect = previous  # type: ignore[method-assign]
        for alias, settings in before.items():
            connections.settings[alias].update(settings)


def settings_of(alias: str) -> dict[str, Any]:
    """A copy of an alias's settings as they are now, for `restore`."""
    from django.db import connections

    return dict(connections.settings[alias])


def redirect(lease: Lease) -> None:
    """Let an alias use an isolated database from now on, in every thread."""
    from django.db import connections

    connection = connections[lease.alias]
    disconnect([lease.alias])
    # Updated in place: the connections of other threads are made from the same dictionary.
    connection.settings_dict.update(settings_with(lease))
    if lease.load_from:
        _load(connection, lease.load_from)


def settings_with(lease: Lease) -> dict[str, Any]:
    """An alias's settings for the use of an isolated database."""
    settings = settings_of(lease.alias)
    options = {
        name: value
        for name, value in settings["OPTIONS"].items()
        if name not in lease.dropped_options
    }
    return {**settings, **lease.settings, "OPTIONS": options}


@contextmanager
def set_aside() -> Iterator[None]:
    """Let this thread look as if no alias were connected; afterwards all are as they were.

    What is open is not closed, neither here nor in a process that is forked meanwhile.
    """
    from django.db import connections

    known: list[Any] = [connections[alias] for alias in connections]
    held = [(one, one.connection) for one in known]
    # Django keeps pools with the class, by alias.
    kept: list[dict[str, Any]] = [getattr(one, "_connection_pools", {}) for one in known]
    pools = [(one, dict(one)) for one in kept]
    for one in known:
        one.connection = None
    for one in kept:
        one.clear()
    try:
        yield
    finally:
        for one, open_connection in held:
            one.connection = open_connection
        for one, before in pools:
            one.update(before)


def restore(before: Mapping[str, Mapping[str, Any]]) -> None:
    """Disconnect aliases, and give them back the settings that they had."""
    from django.db import connections

    disconnect(before)
    for alias, settings in before.items():
        connections.settings[alias].update(settings)


def unreachable(leases: Iterable[Lease]) -> list[str]:
    """The aliases whose server cannot be reached any more.

    A server that has just closed a connection may still be on its way out, and is waited for.
    """
    gone = []
    for lease in leases:
        if lease.address is None:
            continue
        deadline = Deadline(ENDING_SECONDS if was_closed(lease.alias) else 0.0)
        while listens := _listens(lease.address):
            if deadline.passed:
                break
            time.sleep(0.01)
        if not listens:
            gone.append(lease.alias)
    return gone


def raw(alias: str) -> Any:
    """The driver's own connection of an alias in this thread; None if it is not connected."""
    from django.db import connections

    return connections[alias].connection


def was_closed(alias: str) -> bool:
    """Whether a connection was closed by its other end, as its driver tells."""
    from django.db import connections

    connection = connections[alias].connection
    # psycopg has the one, drivers of MySQL the other.
    return bool(getattr(connection, "closed", False)) or not getattr(connection, "open", True)


def _listens(address: Address) -> bool:
    with socket.socket(socket.AF_UNIX if address.socket else socket.AF_INET) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address.socket or (address.host, address.port))
        except TimeoutError:
            return True  # It is there, and busy.
        except OSError:
            return False
    return True


def disconnect(aliases: Iterable[str]) -> None:
    """Close connections for good, pools and databases in memory included."""
    from django.db import connections
    from django.db.backends.base.base import BaseDatabaseWrapper

    for alias in aliases:
        connection: Any = connections[alias]
        # SQLite's own `close` keeps a database in memory open, for it would be lost.
        BaseDatabaseWrapper.close(connection)
        # Asking it for its pool would make one.
        if alias in getattr(connection, "_connection_pools", ()):
            connection.close_pool()


def save_sqlite(alias: str, file: Path) -> None:
    """Write an SQLite database, in memory or not, to a file."""
    from django.db import connections

    connection = connections[alias]
    connection.ensure_connection()
    with closing(sqlite3.connect(file)) as target:
        connection.connection.backup(target)


def serialize(aliases: Iterable[str]) -> None:
    """Keep the database's contents for tests with `serialized_rollback`, as Django does."""
    from django.db import connections

    for alias in aliases:
        connection: Any = connections[alias]
        connection._test_serialized_contents = connection.creation.serialize_db_to_string()


def log_queries() -> None:
    """Let every connection log its queries, for --debug-sql."""
    from django.db import connections

    for alias in connections:
        connections[alias].force_debug_cursor = True


def mark_expectations(aliases: Iterable[str]) -> None:
    """Mark what Django's own suite expects to fail or skips on these databases, as Django does."""
    from django.db import connections

    if os.environ.get("RUNNING_DJANGOS_TEST_SUITE") == "true":
        for alias in aliases:
            connections[alias].creation.mark_expected_failures_and_skips()


def _place(vendor: str, settings: Any) -> tuple[str, ...]:
    """Where a connection leads, in terms of its settings."""
    names = {"sqlite": ["NAME"], "unknown": []}.get(vendor, ["HOST", "PORT"])
    return tuple(str(settings.get(name) or "") for name in names)


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
