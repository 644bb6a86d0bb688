"""SQLite has no server: its databases live in the worker processes, loaded from files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ctest_containers.model import DatabaseGroup, Lease


def file_of(folder: Path, name: str) -> Path:
    """Where a template keeps a database; any name makes a valid and different file name."""
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.sqlite3"


def leases(group: DatabaseGroup, template: Path, folder: Path) -> Sequence[Lease]:
    """A database of its own for each alias.

    Args:
        template: The folder of the template's files.
        folder: Where databases live that the settings want in a file.
    """
    given = []
    for database in group.databases:
        inside = in_memory(database.name)
        name = database.name if inside else str(file_of(folder, database.name))
        for alias in database.aliases:
            # The aliases of one database share it; the first one fills it.
            source = file_of(template, database.name) if alias == database.aliases[0] else ""
            given.append(Lease(alias=alias, settings={"NAME": name}, load_from=str(source)))
    return given


def in_memory(name: str) -> bool:
    """Whether a database of this name lives in memory, as Django decides it."""
    return name == ":memory:" or "mode=memory" in name
