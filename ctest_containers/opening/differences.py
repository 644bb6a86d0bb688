"""Compares the databases of a failure with those of its templates."""

from __future__ import annotations

from collections.abc import Iterator

from ctest_containers.model import Lease
from ctest_containers.opening.databases import OpenDatabases
from ctest_containers.rows import DatabaseDifference, DatabaseLocation, difference


def differences(databases: OpenDatabases) -> Iterator[tuple[str, DatabaseDifference]]:
    """Yield what a test and its fixtures changed in each database, by the first of its aliases.

    Raises:
        ServerError: A database cannot be read.
    """
    seen = set()
    for alias, database in databases.failed.items():
        after = _location(database.lease)
        if alias in databases.template and after not in seen:
            # Other aliases may use the same database.
            seen.add(after)
            yield alias, difference(_location(databases.template[alias].lease), after)


def _location(lease: Lease) -> DatabaseLocation:
    return DatabaseLocation(
        vendor=lease.vendor, name=str(lease.settings["NAME"]), address=lease.address
    )
