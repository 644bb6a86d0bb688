"""Reads the objects of an SQLite database."""

from __future__ import annotations

import sqlite3

from ctest_containers.backends.catalog import MIGRATION


def read_catalog(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the objects of a database, such as `table shop_product`, and their definitions."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    objects = {f"{kind} {name}": " ".join(str(sql).split()) for kind, name, sql in rows}
    if "table django_migrations" in objects:
        rows = connection.execute("SELECT app, name FROM django_migrations").fetchall()
        objects.update({f"{MIGRATION}{app}.{name}": "applied" for app, name in rows})
    return objects
