"""SQLite, which has no server: databases live in the worker processes, loaded from files."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends.deletions import DELETE, Deletions
from ctest_containers.backends.sqlite_catalog import read_catalog
from ctest_containers.backends.sqlite_observer import observe
from ctest_containers.backends.sqlite_rows import open_rows
from ctest_containers.backends.sqlite_schema import open_schema
from ctest_containers.backends.support import (
    Clients,
    Positions,
    SessionQuestions,
    Support,
    no_refusal,
)
from ctest_containers.model import SQLITE, DatabaseGroup, Lease

SESSION: Final = SessionQuestions(
    read_only="PRAGMA query_only = ON",
    queries=(
        "SELECT name FROM sqlite_temp_master WHERE name NOT LIKE 'sqlite%' ORDER BY name",
        "SELECT name FROM pragma_database_list WHERE name <> 'temp' ORDER BY name",
        "PRAGMA recursive_triggers",
        "PRAGMA foreign_keys",
    ),
    # Django's schema editor restores the pragmas that it sets.
    keeping=re.compile(
        r"\bPRAGMA\s+(?!foreign_key|table_|index_|legacy_alter_table)[\w.]+\s*[=(]", re.IGNORECASE
    ),
    keeping_words=("pragma",),
    defaults="""
    SELECT '"' || m.name || '"', m.name || '.' || c.name, c.dflt_value
    FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND c.dflt_value IS NOT NULL
    """,
)


class SqliteReset(Deletions):
    """See `Reset`."""

    triggered = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' LIMIT 1"

    def lock(self, connection: Any, table: str) -> None:
        """See `Deletions`; a query does not lock."""
        with connection.cursor() as cursor:
            cursor.execute(f"{DELETE}{table} WHERE 0")

    def positions(self, connection: Any) -> Positions:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
            return {name: (number,) for name, number in cursor.fetchall()}

    def bring_back(self, connection: Any, before: Positions) -> None:
        """See `Reset`; rolling back a transaction already does this."""


def file_of(folder: Path, alias: str) -> Path:
    """Return the path of a database in a folder of files.

    The file is named after the first alias, because the database's name may be a path that differs
    between checkouts; the digest makes the name valid and unique for any alias.
    """
    digest = hashlib.sha256(alias.encode()).hexdigest()
    return folder / f"{digest[:32]}.sqlite3"


def catalog(file: Path) -> dict[str, str]:
    """Return the objects of a database in a file, and their definitions."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return read_catalog(connection)


def leases(group: DatabaseGroup, template: Path, folder: Path) -> Sequence[Lease]:
    """Return a lease of its database for each alias.

    Args:
        template: The folder of the template's files.
        folder: The folder of databases that the settings put in files.
    """
    leases = []
    for database in group.databases:
        inside = in_memory(database.name)
        name = database.name if inside else str(file_of(folder, database.aliases[0]))
        for alias in database.aliases:
            # The aliases of one database share it; the first one fills it.
            source = file_of(template, database.aliases[0]) if alias == database.aliases[0] else ""
            leases.append(Lease(alias=alias, settings={"NAME": name}, load_from=str(source)))
    return leases


def copies(group: DatabaseGroup, template: Path, folder: Path) -> Sequence[Lease]:
    """Copy the template's file of each database, and return leases of the copies.

    Args:
        template: The folder of the template's files.
        folder: The folder for the copies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    leases = []
    for database in group.databases:
        file = file_of(folder, database.aliases[0])
        shutil.copyfile(file_of(template, database.aliases[0]), file)
        leases += [Lease(alias=alias, settings={"NAME": str(file)}) for alias in database.aliases]
    return leases


def in_memory(name: str) -> bool:
    """Return whether Django keeps a database of this name in memory."""
    return name == ":memory:" or "mode=memory" in name


SUPPORT: Final = Support(
    vendor=SQLITE,
    title="SQLite",
    engines={},
    drivers={},
    clients=Clients(scheme="sqlite", socket_url="", variables={}),
    session=SESSION,
    reset=SqliteReset(),
    locks=None,
    open_rows=open_rows,
    open_schema=open_schema,
    observe=observe,
    refusal_in=no_refusal,
    server=None,
)
