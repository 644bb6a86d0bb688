"""Settings of databases for programs of the harness."""

from __future__ import annotations

import uuid


def generated_database(engine: str, host: str) -> dict[str, str]:
    """A database with a name of its own, on a server or in memory.

    Args:
        engine: Such as `postgresql`, or `sqlite3`.
        host: Where the server is; nothing for SQLite.
    """
    database = {"ENGINE": f"django.db.backends.{engine}", "NAME": ":memory:"}
    if engine == "sqlite3":
        return database
    name = f"generated_{uuid.uuid4().hex[:8]}"
    port = "5432" if engine == "postgresql" else ""
    return {**database, "NAME": name, "USER": "shop", "HOST": host, "PORT": port}
