"""What the toolkit knows about each database vendor.

A vendor with a server is one file here and one folder in `images/`. SQLite has no server: its
databases live in the worker processes, and its whole backend is the copying of a file.
"""

from __future__ import annotations

from ctest_containers.backends import sqlite
from ctest_containers.backends.api import Backend, Launch, NotReadyError, ServerInfo
from ctest_containers.backends.mysql import Mysql
from ctest_containers.backends.postgresql import Postgresql
from ctest_containers.model import Vendor

BACKENDS: dict[Vendor, Backend] = {Vendor.POSTGRESQL: Postgresql(), Vendor.MYSQL: Mysql()}
"""The backends of the vendors that have a server."""


def backend_of(vendor: str) -> Backend | None:
    """The backend of a vendor by Django's name for it; None if there is none, or no server."""
    return next((backend for one, backend in BACKENDS.items() if one.value == vendor), None)


def read_only_statement(vendor: str) -> str:
    """What keeps a session from writing, by Django's name for the vendor."""
    return sqlite.READ_ONLY if vendor == Vendor.SQLITE else BACKENDS[Vendor(vendor)].read_only


__all__ = [
    "BACKENDS",
    "Backend",
    "Launch",
    "NotReadyError",
    "ServerInfo",
    "backend_of",
    "read_only_statement",
]
