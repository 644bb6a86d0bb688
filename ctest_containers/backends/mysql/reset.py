"""Empties and fills a database of MySQL or MariaDB."""

from __future__ import annotations

from typing import Any, Final

from ctest_containers.backends.deletions import Deletions
from ctest_containers.backends.support import Positions

AUTO_INCREMENTS: Final = (
    "SELECT table_name, auto_increment FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL"
)


class MysqlReset(Deletions):
    """See `Reset`."""

    triggered = (
        "SELECT event_object_table FROM information_schema.triggers"
        " WHERE trigger_schema = DATABASE() LIMIT 1"
    )
    locking = " LIMIT 1 LOCK IN SHARE MODE"

    def positions(self, connection: Any) -> Positions:
        with connection.cursor() as cursor:
            if not connection.mysql_is_mariadb:
                cursor.execute("SET SESSION information_schema_stats_expiry = 0")
            cursor.execute(AUTO_INCREMENTS)
            return {name: (number,) for name, number in cursor.fetchall()}

    def bring_back(self, connection: Any, before: Positions) -> None:
        now = self.positions(connection)
        with connection.cursor() as cursor:
            for name, place in before.items():
                if now.get(name) != place:
                    quoted = connection.ops.quote_name(name)
                    cursor.execute(f"ALTER TABLE {quoted} AUTO_INCREMENT = {int(place[0])}")
