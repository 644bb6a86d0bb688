"""Formats the addresses of a service's databases, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from ctest_containers.backends.clients import database_url
from ctest_containers.model import Lease
from ctest_containers.service.state import Service, Slot


def as_json(service: Service, slots: Iterable[Slot]) -> dict[str, Any]:
    """Return the addresses as JSON: `slots`, by number, then by alias.

    Each has `url`, `vendor`, `host`, `port`, `user`, `password`, `name`, `socket` and `container`;
    those that a database lacks are null. SQLite's `name` is its file.
    """
    return {
        "version": 1,
        "service": service.name,
        "project": service.project,
        "slots": {
            str(slot.number): {
                alias: _fields(slot, lease) for alias, lease in slot.leases().items()
            }
            for slot in slots
        },
    }


def as_table(slots: Iterable[Slot], *, passwords: bool) -> Iterator[str]:
    """Yield a header, and a line for each database.

    Args:
        passwords: Whether to show passwords.
    """
    rows = [("slot", "database", "address")]
    for slot in slots:
        for alias, lease in slot.leases().items():
            shown = database_url(lease)
            if not passwords:
                shown = shown.replace(f":{quote(_password(lease), safe='')}@", ":***@", 1)
            rows.append((str(slot.number), alias, shown))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for number, alias, address in rows:
        yield f"{number:<{widths[0]}}  {alias:<{widths[1]}}  {address}"


def passwords_of(slots: Iterable[Slot]) -> Iterator[str]:
    """Yield every password in the addresses."""
    for slot in slots:
        for lease in slot.leases().values():
            yield _password(lease)


def _password(lease: Lease) -> str:
    return str(lease.settings.get("PASSWORD") or "")


def _fields(slot: Slot, lease: Lease) -> dict[str, Any]:
    settings, address = lease.settings, lease.address
    port = str(settings.get("PORT") or "")
    return {
        "url": database_url(lease),
        "vendor": lease.vendor,
        "host": address.host if address is not None else None,
        "port": int(port) if port else None,
        "user": str(settings.get("USER") or "") or None,
        "password": _password(lease) or None,
        "name": str(settings["NAME"]),
        "socket": (address.socket if address is not None else "") or None,
        "container": slot.container_of(lease.alias) or None,
    }
