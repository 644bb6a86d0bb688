"""Keeps the connections of this process away from the databases that the settings name.

The guard is installed before any code of the project runs, in every kind of process. Until somebody
lends databases, while settings and applications are loaded, a configured database is as on a
machine that has none of it: a server cannot be reached, and a file of SQLite's is empty. From then
on an alias leads to the database that it was lent, and each new connection is asked which server it
has reached, as a backend may remember one that it connected to before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ctest_containers.backends import BACKENDS, sqlite
from ctest_containers.errors import ProjectError
from ctest_containers.model import Lease, Vendor
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.queries import count_queries

Resolve = Callable[[str], None]
"""Called with an alias just before it connects. It redirects the alias, or raises."""

Place = tuple[str, ...]
"""Where a connection leads, in terms of its settings."""

REMEMBERS: Final = (
    "It probably caches the first address that it connected to and ignores changed settings. In "
    "your test settings, set ENGINE to the backend that it subclasses."
)

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
    configured: dict[str, Place] = field(default_factory=dict)


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
    _note_places()
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

    _note_places()
    options = connections.settings[lease.alias]["OPTIONS"]
    kept = {name: value for name, value in options.items() if name not in lease.dropped_options}
    # Updated in place: the connections of other threads are made from the same dictionary.
    connections.settings[lease.alias].update({**lease.settings, "OPTIONS": kept})
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
    with nullcontext() if lease is None else _checked(self, lease):
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
        lease, place = _state.leases.get(alias), _place(connection.vendor, own)
        if lease is not None and place == _place(connection.vendor, lease.settings):
            return lease
        if place == _state.configured.get(alias):
            raise ProjectError(
                f"The database {alias!r} was not replaced by an isolated database, and tests must "
                "not use the configured one."
            )
        return None
    place = _place(connection.vendor, own)
    for lease in _state.leases.values():
        if place == _place(lease.vendor.value, lease.settings):
            return lease
    if connection.vendor == Vendor.SQLITE.value and sqlite.in_memory(place[1]):
        return None
    keys = ("NAME",) if connection.vendor == Vendor.SQLITE.value else CREDENTIALS
    for name in (one for one, known in _state.configured.items() if known == place):
        _state.resolvers[-1](name)
        own.update({key: connections.settings[name][key] for key in keys})
        return _state.leases.get(name)
    return None


def _before_any_is_lent(connection: Any) -> Lease | None:
    """Let a connection find what it would find on a machine that has no database yet.

    Raises:
        OperationalError: It would reach a configured server.
    """
    _note_places()
    place = _place(connection.vendor, connection.settings_dict)
    if place not in _state.configured.values():
        return None
    if connection.vendor == Vendor.SQLITE.value:
        if sqlite.in_memory(str(connection.settings_dict["NAME"])):
            return None
        return Lease(alias=connection.alias, settings={"NAME": ":memory:"})
    refuse(connection.alias)


@contextmanager
def _checked(connection: Any, lease: Lease) -> Iterator[None]:
    """Ask a new connection which server it has reached, before anybody can use it."""
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
    if not _state.resolvers:
        settings["NAME"] = lease.settings["NAME"]
    try:
        yield
    finally:
        settings["NAME"] = name
        del connection.get_new_connection
        if shadowed is not None:
            connection.get_new_connection = shadowed


def _check(connection: Any, opened: Any, lease: Lease) -> None:
    """Close a new connection that has not reached what its alias was lent.

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
        f"The backend {connection.settings_dict['ENGINE']} has connected the database "
        f"{lease.alias!r} to {reached or 'another server'} instead of {wanted}; that "
        "connection was closed.",
        REMEMBERS,
    )


def _explain(connection: Any, error: Exception, lease: Lease) -> None:
    """Note on an error of connecting that the backend has tried another server than that lent.

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
    """Where a new connection leads, if it has not reached what was lent; None if it has."""
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
    except Exception:  # noqa: BLE001  # What a pool gives may look like a connection only in part.
        return ""


def _file_of(opened: Any) -> str | None:
    """The file that a connection of SQLite's has open; empty for memory, None if none is known."""
    if not isinstance(opened, sqlite3.Connection):
        return None
    cursor = sqlite3.Cursor(opened)
    return next(str(row[2] or "") for row in cursor.execute("PRAGMA database_list"))


def _is_file(reached: str, name: str) -> bool:
    if sqlite.in_memory(name) or not reached:
        return not reached and sqlite.in_memory(name)
    here, there = ORIGINALS.stat(reached), ORIGINALS.stat(name)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _note_places() -> None:
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
            _state.configured[alias] = _place(vendor, settings)


def _place(vendor: str, settings: Any) -> Place:
    names = ["NAME"] if vendor == Vendor.SQLITE.value else ["HOST", "PORT"]
    return (vendor, *(str(settings.get(name) or "") for name in names))


def close(connection: Any) -> None:
    """Close a connection for good, with its pool and a database in memory."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    # SQLite's own `close` keeps a database in memory open, for it would be lost.
    BaseDatabaseWrapper.close(connection)
    # Asking it for its pool would make one.
    if connection.alias in getattr(connection, "_connection_pools", ()):
        connection.close_pool()
