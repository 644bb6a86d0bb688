"""Where the sequences of a database stand, and how they are brought back there.

No transaction that is rolled back does that, but in SQLite.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ctest_containers.model import Vendor

SEQUENCES: Final = (
    "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences"
    " WHERE schemaname NOT LIKE 'pg!_%' ESCAPE '!'"
)

AUTO_INCREMENTS: Final = (
    "SELECT table_name, auto_increment FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL"
)

Positions = Mapping[str, tuple[Any, ...]]
"""For each sequence, or each table that has one, where it stands."""


def positions(connection: Any) -> Positions:
    """Where the sequences of a database stand, by Django's connection to it."""
    with connection.cursor() as cursor:
        if connection.vendor == Vendor.POSTGRESQL.value:
            cursor.execute(SEQUENCES)
            found = {}
            for (name,) in cursor.fetchall():
                cursor.execute(f"SELECT last_value, is_called FROM {name}")  # noqa: S608
                found[name] = tuple(cursor.fetchone())
            return found
        if connection.vendor == Vendor.MYSQL.value:
            if not connection.mysql_is_mariadb:
                cursor.execute("SET SESSION information_schema_stats_expiry = 0")
            cursor.execute(AUTO_INCREMENTS)
        else:
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
        return {name: tuple(rest) for name, *rest in cursor.fetchall()}


def bring_back(connection: Any, before: Positions) -> None:
    """Let sequences stand where they stood; the rows that used later numbers are gone."""
    if connection.vendor == Vendor.SQLITE.value:
        return
    now = positions(connection)
    with connection.cursor() as cursor:
        for name, place in before.items():
            if now.get(name) == place:
                continue
            if connection.vendor == Vendor.POSTGRESQL.value:
                cursor.execute("SELECT setval(%s, %s, %s)", [name, *place])
            else:
                quoted = connection.ops.quote_name(name)
                cursor.execute(f"ALTER TABLE {quoted} AUTO_INCREMENT = {int(place[0])}")
