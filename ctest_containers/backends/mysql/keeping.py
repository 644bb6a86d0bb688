"""Finds out what a copy of MySQL's or MariaDB's data folder lacks.

InnoDB rolls unfinished transactions back when a server starts from the copy. Another session can
read their rows before, at the isolation level READ UNCOMMITTED.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ctest_containers.backends.keeping import InFlight
from ctest_containers.backends.mysql.session import admin_cursor
from ctest_containers.backends.mysql.volatile import MEMORY_TABLES
from ctest_containers.model import Address

UNCOMMITTED: Final = (
    "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"
)


class MysqlKeeping:
    """See `Keeping`."""

    always_kept: tuple[str, ...] = ()

    def prepare_copy(self, address: Address, databases: Collection[str]) -> InFlight:
        """See `Keeping`."""
        with admin_cursor(address) as cursor:
            cursor.execute("FLUSH ENGINE LOGS")
            cursor.execute(UNCOMMITTED)
            ((running,),) = cursor.fetchall()
            cursor.execute(MEMORY_TABLES)
            tables = [str(name) for schema, name in cursor.fetchall() if schema in databases]
        notes: tuple[str, ...] = ()
        if tables:
            notes = (f"The rows of MEMORY tables are missing: {', '.join(tables)}.",)
        return InFlight(lacks_rows=bool(running), notes=notes)
