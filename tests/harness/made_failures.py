"""Kept failures for tests, made without a run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ctest_containers.failures.model import KeptDatabases, KeptFailure
from ctest_containers.failures.store import FailureStore, Stored
from ctest_containers.model import SQLITE, DatabaseGroup, DatabasePlan

TABLE = "CREATE TABLE library_author (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"

TRACEBACK = """\
Traceback (most recent call last):
  File "/src/library/test_it.py", line 12, in test_total
    self.assertEqual(cart.total(), 2)
AssertionError: 1 != 2
"""


def sqlite_databases(*aliases: str) -> KeptDatabases:
    """The databases of a group on SQLite, one for each alias."""
    plans = tuple(
        DatabasePlan(name=f"file:memorydb_{alias}?mode=memory&cache=shared", aliases=(alias,))
        for alias in aliases
    )
    return KeptDatabases(
        plan=DatabaseGroup(vendor=SQLITE, number=1, databases=plans),
        fingerprint="f" * 64,
        files={alias: f"{alias}.sqlite3" for alias in aliases},
    )


def kept_failure(
    name: str = "ab12cd34-1",
    test_id: str = "library.test_it.CartTests.test_total",
    kept_at: float = 1000.0,
    databases: tuple[KeptDatabases, ...] = (),
) -> KeptFailure:
    """A failure, with everything that a run knows about it."""
    return KeptFailure(
        name=name,
        project="outcomes",
        run=name.partition("-")[0],
        test_id=test_id,
        kept_at=kept_at,
        headline="AssertionError: 1 != 2",
        text=TRACEBACK,
        databases=databases or (sqlite_databases("default"),),
        file="library/test_it.py",
        line=12,
        source=(
            "    def test_total(self):",
            "        cart = Cart()",
            "        self.assertEqual(cart.total(), 2)",
            "",
        ),
        first_line=10,
        folder="/src",
    )


def keep(store: FailureStore, failure: KeptFailure, author: str = "Ann") -> Stored:
    """Keep a failure whose SQLite databases each have an author of this name."""
    folder = store.new(failure.name)
    for databases in failure.databases:
        for file in (databases.files or {}).values():
            write_database(folder / file, author)
    return store.add(failure)


def write_database(file: Path, *authors: str) -> None:
    """Make an SQLite database with these authors."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(TABLE)
        connection.executemany(
            "INSERT INTO library_author (name) VALUES (?)", [(author,) for author in authors]
        )
        connection.commit()
