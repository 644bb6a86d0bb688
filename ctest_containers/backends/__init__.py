"""Support for each database vendor.

A vendor is one module or package here, and one folder in `images/` if it has a server. SQLite has
none: its databases live in the worker processes.
"""

from __future__ import annotations

from typing import Any

from ctest_containers.backends import mysql, postgresql, sqlite
from ctest_containers.backends.api import Backend, Launch, NotReadyError, ServerInfo
from ctest_containers.backends.support import LeftToDjango, Reset, Support
from ctest_containers.model import Vendor

VENDORS: dict[str, Support] = {}
"""All vendors, by the values of Django's `connection.vendor`."""

BACKENDS: dict[str, Backend] = {}
"""The backends of the vendors that have a server."""


def register(support: Support) -> None:
    """Add a vendor; options and choices list vendors in this order."""
    VENDORS[support.vendor] = support
    if support.server is not None:
        BACKENDS[support.vendor] = support.server


for _support in (postgresql.SUPPORT, mysql.SUPPORT, sqlite.SUPPORT):
    register(_support)


def vendor_named(name: str) -> Vendor:
    """Return the vendor with this name.

    Raises:
        ValueError: There is no such vendor.
    """
    if name not in VENDORS:
        raise ValueError(f"{name!r} is not one of the vendors {', '.join(VENDORS)}")
    return VENDORS[name].vendor


def reset_of(connection: Any) -> Reset:
    """Return the object that empties and fills the database of a Django connection.

    Raises:
        LeftToDjango: Its vendor is not supported.
    """
    if connection.vendor not in VENDORS:
        raise LeftToDjango(f"its vendor is {connection.vendor}")
    return VENDORS[connection.vendor].reset


__all__ = [
    "BACKENDS",
    "VENDORS",
    "Backend",
    "Launch",
    "NotReadyError",
    "ServerInfo",
    "register",
    "reset_of",
    "vendor_named",
]
