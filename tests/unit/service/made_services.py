"""Services on SQLite that are made without a project."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ctest_containers.backends.sqlite import file_of
from ctest_containers.model import SQLITE, DatabaseGroup, DatabasePlan
from ctest_containers.service import Recipe, Service, ServiceFile, Slot, bring_up
from ctest_containers.supply.snapshot import DatabaseSnapshot

PROJECT = "made"


def sqlite_recipe(template: Path, fingerprint: str = "f" * 64) -> Recipe:
    """A recipe for one database with an empty table, whose template is made here."""
    template.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file_of(template, "default"))) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text TEXT)")
    plan = DatabasePlan(name="db.sqlite3", aliases=("default",))
    group = DatabaseGroup(vendor=SQLITE, number=1, databases=(plan,))
    return Recipe(
        sources=(DatabaseSnapshot(group=group, fingerprint=fingerprint, files=str(template)),),
        aliases=("default",),
        transport="port",
        server_memory_bytes=2**30,
        server_timeout_seconds=60.0,
    )


def up(file: ServiceFile, recipe: Recipe, count: int = 1) -> Service:
    """Let a service have so many slots."""
    return bring_up(
        file,
        project=PROJECT,
        recipe=recipe,
        count=count,
        folder=file.path.parent,
        say=lambda _: None,
    )


def database(slot: Slot) -> Path:
    """The file of a slot's database."""
    return Path(slot.leases()["default"].settings["NAME"])


def write_note(slot: Slot) -> None:
    """Leave something in a slot's database."""
    with closing(sqlite3.connect(database(slot))) as connection:
        connection.execute("INSERT INTO note VALUES ('I was here')")
        connection.commit()


def notes(slot: Slot) -> int:
    """How much there is in a slot's database."""
    with closing(sqlite3.connect(f"file:{database(slot)}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM note").fetchone()
    return int(count)
