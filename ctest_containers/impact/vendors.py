"""The vendors of databases, whose dialects of SQL differ."""

from __future__ import annotations

from ctest_containers.model import Vendor


def vendor_of(alias: str) -> Vendor:
    """Return the vendor of a database; PostgreSQL if the settings do not have it any longer."""
    from django.db import connections

    return Vendor(connections[alias].vendor if alias in connections.settings else "postgresql")
