"""SQLite has no server: its databases live in the worker processes, loaded from files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ctest_containers.model import DatabaseGroup, DatabasePlan, Lease

READ_ONLY: Final = "PRAGMA query_only = ON"
"""What keeps a connection from writing."""


def file_of(folder: Path, database: DatabasePlan) -> Path:
    """Where a database is kept in a folder of files.

    It is named by its first alias, for its own name may be a path that differs from checkout to
    checkout; whatever an alias is called, the name of its file is valid and its own.
    """
    digest = hashlib.sha256(database.aliases[0].encode()).hexdigest()
    return folder / f"{digest[:32]}.sqlite3"


def leases(group: DatabaseGroup, template: Path, folder: Path) -> Sequence[Lease]:
    """A database of its own for each alias.

    Args:
        template: The folder of the template's files.
        folder: Where databases live that the settings want in a file.
    """
    given = []
    for database in group.databases:
        inside = in_memory(database.name)
        name = database.name if inside else str(file_of(folder, database))
        for alias in database.aliases:
            # The aliases of one database share it; the first one fills it.
            source = file_of(template, database) if alias == database.aliases[0] else ""
            given.append(Lease(alias=alias, settings={"NAME": name}, load_from=str(source)))
    return given


def in_memory(name: str) -> bool:
    """Whether a database of this name lives in memory, as Django decides it."""
    return name == ":memory:" or "mode=memory" in name
