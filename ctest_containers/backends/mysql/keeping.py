"""Lets a copy of MySQL's or MariaDB's data folder be completed with uncommitted rows.

InnoDB rolls unfinished transactions back when a server starts from the copy. Another session can
read their rows before, at the isolation level READ UNCOMMITTED.
"""

from __future__ import annotations

from collections.abc import Collection

from ctest_containers.backends.api import InFlight
from ctest_containers.backends.mysql.session import admin_cursor
from ctest_containers.model import Address


class MysqlKeeping:
    """See `Keeping`."""

    always_kept: tuple[str, ...] = ()

    def prepare_copy(self, address: Address, databases: Collection[str]) -> InFlight:
        """See `Keeping`."""
        with admin_cursor(address) as cursor:
            cursor.execute("FLUSH ENGINE LOGS")
        return InFlight()

    def complete_copy(self, address: Address, pending: str) -> None:
        """See `Keeping`."""
