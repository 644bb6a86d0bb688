"""Keeps the connections of this process away from the databases that the settings name.

The guard is installed before any code of the project runs, in every kind of process. Until
databases are lent, while settings and applications are loaded, a configured database behaves as on
a machine without it: a server cannot be reached, and an SQLite file is empty. From then on, an
alias connects to the database that it was lent. Each new connection is asked which server it has
reached, as a backend may remember an earlier one.
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
"""Called with an alias just before it connects; redirects the alias, or raises an error."""

Endpoint = tuple[str, ...]
"""The database that a connection leads to: its vendor, with host and port or a name."""

CREDENTIALS: Final = ("HOST", "PORT", "USER", "PASSWORD", "OPTIONS")


@dataclass(slots=True)
class _State:
    """The guard of this process; a forked child inherits its parent's.

    Attributes:
        original: Django's own `connect`; None if the guard is not installed.
        resolvers: The last one is called.
        leases: The lent databases, by alias.
        configured: The endpoints of the settings, by alias.
    """

    original: Callable[[Any], None] | None = None
    resolvers: list[Resolve] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)
    configured: dict[str, Endpoint] = field(default_factory=dict)


_state: Final = _State()


def install() -> None:
    """Keep this process away from the configured databases from now on; idempotent."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    if _state.original is None:
        _state.original = BaseDatabaseWrapper.connect
        BaseDatabaseWrapper.connect = _connect  # type: ignore[method-assign]


def remove() -> None:
    """Remove the guard from this process."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    if _state.original is not None:
        BaseDatabaseWrapper.connect = _state.original  # type: ignore[assignment, method-assign]
        _state.original = None


@contextmanager
def guarded(resolve: Resolve, *, keep_open: bool = False) -> Iterator[None]:
    """Call `resolve` before an alias connects to anything other than the database that it was lent.

    This includes connections made by hand from an alias's settings: Django's own to the
    server's maintenance database, and for copies that a test makes. Afterwards every alias has the
    settings back that it had before.

    Args:
        keep_open: Whether connections stay open that were made before the guard was installed.
    """
    from django.db import connections

    before = {alias: dict(settings) for alias, settings in connections.settings.items()}
    lent, was_installed = dict(_state.leases), _state.original is not None
    install()
    _note_endpoints()
    if not _state.resolvers and not keep_open:
        # Connections opened while the project was loaded lead to configured databases.
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
    """Refuse every connection from now on, in a forked child that only loads code of the project.

    The child must not call its parent's resolver.
    """
    install()
    _state.resolvers[:] = [refuse]


def refuse(alias: str) -> NoReturn:
    """Refuse a connection.

    Raises:
        OperationalError: Always, so that code which handles an absent server handles this.
    """
    from django.db.utils import OperationalError

    raise OperationalError(
        f"The database {alias!r} was queried while the project was being loaded. Tests never use "
        "the configured server, and the isolated one does not exist yet. Remove database queries "
        "from module level and from AppConfig.ready()."
    )


def lend(lease: Lease) -> None:
    """Point an alias at a database from now on, in every thread."""
    from django.db import connections

    _note_endpoints()
    options = connections.settings[lease.alias]["OPTIONS"]
    options = {name: value for name, value in options.items() if name not in lease.dropped_options}
    # Updated in place: the connections of other threads are made from the same dictionary.
    connections.settings[lease.alias].update({**lease.settings, "OPTIONS": options})
    _state.leases[lease.alias] = lease


def take_back(alias: str, settings: Mapping[str, Any]) -> None:
    """Restore the settings that an alias had before it was lent a database."""
    from django.db import connections

    connections.settings[alias].update(settings)
    _state.leases.pop(alias, None)


def _connect(self: Any) -> None:
    """Replaces `BaseDatabaseWrapper.connect`."""
    lease = None
    # Without settings, there are no configured databases.
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
    """The database that a connection has to reach; None if it belongs to no configured alias.

    Raises:
        ProjectError: It would reach a configured database.
    """
    from django.db import connections

    own, alias = connection.settings_dict, connection.alias
    # Aliases that a test has added are the test's own.
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
    """Treat a connection as on a machine that has no database yet.

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
    """Remember the endpoints of the settings, once: a test may add its own aliases later."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    if _state.configured:
        return
    for alias, settings in connections.settings.items():
        try:
            vendor = connections[alias].vendor
        except ImproperlyConfigured:
            # Its backend is not installed, so no code can connect with it.
            continue
        if vendor != "unknown":
            _state.configured[alias] = _endpoint(vendor, settings)


def _endpoint(vendor: str, settings: Any) -> Endpoint:
    names = ["NAME"] if vendor == SQLITE else ["HOST", "PORT"]
    return (vendor, *(str(settings.get(name) or "") for name in names))


def close(connection: Any) -> None:
    """Close a connection for good, with its pool and a database in memory."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    # SQLite's own `close` keeps a database in memory open, as it would be lost.
    BaseDatabaseWrapper.close(connection)
    # Reading its `pool` would create one.
    if connection.alias in getattr(connection, "_connection_pools", ()):
        connection.close_pool()
