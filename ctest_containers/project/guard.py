"""Keeps the connections of this process away from the databases that the settings name.

The guard is installed before any code of the project runs, in every kind of process. Until somebody
lends databases, while settings and applications are loaded, a configured database is as on a
machine that has none of it: a server cannot be reached, and a file of SQLite's is empty. From then
on an alias leads to the database that it was lent, and each new connection is asked which server it
has reached, as a backend may remember one that it connected to before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ctest_containers.backends import sqlite
from ctest_containers.errors import ProjectError
from ctest_containers.model import SQLITE, Lease
from ctest_containers.project.queries import count_queries
from ctest_containers.project.reached import verified

Resolve = Callable[[str], None]
"""Called with an alias just before it connects. It redirects the alias, or raises."""

Endpoint = tuple[str, ...]
"""Where a connection leads, in terms of its settings."""

CREDENTIALS: Final = ("HOST", "PORT", "USER", "PASSWORD", "OPTIONS")


@dataclass(slots=True)
class _State:
    """The guard of this process; a forked child begins with its parent's.

    Attributes:
        original: Django's own way to connect; None where there is no guard.
        resolvers: The last one is asked.
        leases: The databases that were lent, by alias.
        configured: Where aliases led before they were lent any.
    """

    original: Callable[[Any], None] | None = None
    resolvers: list[Resolve] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)
    configured: dict[str, Endpoint] = field(default_factory=dict)


_state: Final = _State()


def install() -> None:
    """Keep this process from the configured databases from now on; calling it again is allowed."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    if _state.original is None:
        _state.original = BaseDatabaseWrapper.connect
        BaseDatabaseWrapper.connect = _connect  # type: ignore[method-assign]


def remove() -> None:
    """Let this process connect as it likes again."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    if _state.original is not None:
        BaseDatabaseWrapper.connect = _state.original  # type: ignore[assignment, method-assign]
        _state.original = None


@contextmanager
def guarded(resolve: Resolve, *, keep_open: bool = False) -> Iterator[None]:
    """Ask before an alias connects to anything other than the database that it was lent.

    That goes for connections made by hand from an alias's settings, too: for Django's own to the
    server's maintenance database, and for copies that a test makes. Afterwards every alias has the
    settings back that it had before.

    Args:
        keep_open: Whether connections stay open that were made before there was a guard.
    """
    from django.db import connections

    before = {alias: dict(settings) for alias, settings in connections.settings.items()}
    lent, was_installed = dict(_state.leases), _state.original is not None
    install()
    _note_endpoints()
    if not _state.resolvers and not keep_open:
        # What was opened while the project was loaded leads to a configured database.
        for connection in connections.all(initialized_only=True):
            close(connection)
    _state.resolvers.append(resolve)
    try:
        yield
    finally:
        _state.resolvers.remove(resolve)
        for alias, settings in before.items():
            connections.settings[alias].update(settings)
        _state.leases.clear()
        _state.leases.update(lent)
        if not was_installed:
            remove()
            _state.configured.clear()


def lend_nothing() -> None:
    """Let no alias connect from now on, in a forked child that only loads code of the project.

    It must not ask its parent's resolver.
    """
    install()
    _state.resolvers[:] = [refuse]


def refuse(alias: str) -> NoReturn:
    """Say that there is no database.

    Raises:
        OperationalError: Always. So code copes with it that copes with a server that is not there.
    """
    from django.db.utils import OperationalError

    raise OperationalError(
        f"The database {alias!r} was queried while the project was being loaded. Tests never use "
        "the configured server, and no other one exists yet. Remove database queries from module "
        "level and from AppConfig.ready()."
    )


def lend(lease: Lease) -> None:
    """Let an alias lead to a database from now on, in every thread."""
    from django.db import connections

    _note_endpoints()
    options = connections.settings[lease.alias]["OPTIONS"]
    options = {name: value for name, value in options.items() if name not in lease.dropped_options}
    # Updated in place: the connections of other threads are made from the same dictionary.
    connections.settings[lease.alias].update({**lease.settings, "OPTIONS": options})
    _state.leases[lease.alias] = lease


def take_back(alias: str, settings: Mapping[str, Any]) -> None:
    """Let an alias have the settings again that it had before it was lent a database."""
    from django.db import connections

    connections.settings[alias].update(settings)
    _state.leases.pop(alias, None)


def _connect(self: Any) -> None:
    """In place of `BaseDatabaseWrapper.connect`."""
    lease = None
    # Where there are no settings, none of them names a database.
    if _has_settings():
        lease = _lease_of(self) if _state.resolvers else _before_any_is_lent(self)
    count_queries(self)
    assert _state.original is not None
    with nullcontext() if lease is None else verified(self, lease, renamed=not _state.resolvers):
        _state.original(self)


def _has_settings() -> bool:
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    try:
        return bool(connections.settings)
    except ImproperlyConfigured:
        return False


def _lease_of(connection: Any) -> Lease | None:
    """The database that a connection is to reach; None if it belongs to no configured alias.

    Raises:
        ProjectError: It would reach a configured database.
    """
    from django.db import connections

    own, alias = connection.settings_dict, connection.alias
    # An alias that a test has added leads where the test wants it to.
    if own is connections.settings.get(alias) and alias in {*_state.configured, *_state.leases}:
        _state.resolvers[-1](alias)
        lease, endpoint = _state.leases.get(alias), _endpoint(connection.vendor, own)
        if lease is not None and endpoint == _endpoint(connection.vendor, lease.settings):
            return lease
        if endpoint == _state.configured.get(alias):
            raise ProjectError(
                f"The database {alias!r} was not replaced by an isolated database, and tests must "
                "not use the configured one."
            )
        return None
    endpoint = _endpoint(connection.vendor, own)
    for lease in _state.leases.values():
        if endpoint == _endpoint(lease.vendor, lease.settings):
            return lease
    if connection.vendor == SQLITE and sqlite.in_memory(endpoint[1]):
        return None
    keys = ("NAME",) if connection.vendor == SQLITE else CREDENTIALS
    for name in (name for name, known in _state.configured.items() if known == endpoint):
        _state.resolvers[-1](name)
        own.update({key: connections.settings[name][key] for key in keys})
        return _state.leases.get(name)
    return None


def _before_any_is_lent(connection: Any) -> Lease | None:
    """Let a connection find what it would find on a machine that has no database yet.

    Raises:
        OperationalError: It would reach a configured server.
    """
    _note_endpoints()
    endpoint = _endpoint(connection.vendor, connection.settings_dict)
    if endpoint not in _state.configured.values():
        return None
    if connection.vendor == SQLITE:
        if sqlite.in_memory(str(connection.settings_dict["NAME"])):
            return None
        return Lease(alias=connection.alias, settings={"NAME": ":memory:"})
    refuse(connection.alias)


def _note_endpoints() -> None:
    """Remember where the settings lead, once: a test may add aliases of its own later."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    if _state.configured:
        return
    for alias, settings in connections.settings.items():
        try:
            vendor = connections[alias].vendor
        except ImproperlyConfigured:
            # Its backend is not installed, so nobody connects with it.
            continue
        if vendor != "unknown":
            _state.configured[alias] = _endpoint(vendor, settings)


def _endpoint(vendor: str, settings: Any) -> Endpoint:
    names = ["NAME"] if vendor == SQLITE else ["HOST", "PORT"]
    return (vendor, *(str(settings.get(name) or "") for name in names))


def close(connection: Any) -> None:
    """Close a connection for good, with its pool and a database in memory."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    # SQLite's own `close` keeps a database in memory open, for it would be lost.
    BaseDatabaseWrapper.close(connection)
    # Asking it for its pool would make one.
    if connection.alias in getattr(connection, "_connection_pools", ()):
        connection.close_pool()
