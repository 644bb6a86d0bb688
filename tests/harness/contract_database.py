"""The database that each vendor has in the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ctest_containers.backends import Backend
from ctest_containers.backends.support import Support
from ctest_containers.model import Address, Lease

ALIAS, NAME, USER = "contract", "contract_db", "contract_user"
ENGINES = {
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "sqlite": "django.db.backends.sqlite3",
}
TRIGGERS = {
    "postgresql": (
        (
            "CREATE TRIGGER t BEFORE UPDATE ON shelf FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
        "DROP TRIGGER t ON shelf",
    ),
    "mysql": (
        "CREATE TRIGGER t BEFORE INSERT ON shelf FOR EACH ROW SET NEW.name = NEW.name",
        "DROP TRIGGER t",
    ),
    "sqlite": ("CREATE TRIGGER t BEFORE INSERT ON shelf BEGIN SELECT 1; END", "DROP TRIGGER t"),
}
"""The statements that create and drop a trigger, by vendor."""


@dataclass(frozen=True, slots=True)
class Served:
    """A database `contract_db` of a vendor.

    Attributes:
        connection: Django's connection to it, as the project's role.
        server: The vendor's backend and the server's address; None without a server.
    """

    support: Support
    connection: Any
    lease: Lease
    server: tuple[Backend, Address] | None

    def execute(self, statement: str) -> list[Any]:
        """Execute a statement as the project, and give its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def connected(lease: Lease) -> Iterator[Any]:
    """Django's connection to a database, as long as the block lasts."""
    from django.db import connections

    own = {ALIAS: {"ENGINE": ENGINES[lease.vendor], **lease.settings}, "default": {}}
    connections.settings[ALIAS] = connections.configure_settings(own)[ALIAS]
    try:
        yield connections[ALIAS]
    finally:
        connections[ALIAS].close()
        if (raw := connections[ALIAS].connection) is not None:
            # Django keeps a database in memory, which lasts as long as its connection.
            raw.close()
        del connections[ALIAS], connections.settings[ALIAS]


def with_tables(served: Served) -> Served:
    """The same database, with the tables `shelf` and `clocked`."""
    shelf = shelf_model()
    with served.connection.schema_editor() as editor:
        editor.create_model(shelf)
    served.execute("CREATE TABLE clocked (id int, made timestamp DEFAULT CURRENT_TIMESTAMP)")
    return served


def shelf_model() -> Any:
    """A model of the table `shelf`."""
    from django.apps.registry import Apps
    from django.db import models

    class Shelf(models.Model):  # noqa: DJ008  # Nothing shows it.
        name: Any = models.CharField(max_length=20)
        id: Any = models.AutoField(primary_key=True)

        class Meta:
            apps = Apps()
            app_label = "contracts"
            db_table = "shelf"

    return Shelf
