"""Leaks in SQLite databases are found, whatever classes do."""

from __future__ import annotations

import sqlite3
import uuid
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.backends.sqlite_observer import observe
from ctest_containers.workers.watched_database import WatchedDatabase

TABLES = ("one", "two")

STATEMENTS = {
    "insert": "INSERT INTO {} VALUES (?)",
    "update": "UPDATE {} SET value = value + 1 WHERE value = ?",
    "delete": "DELETE FROM {} WHERE value = ?",
}
EMPTY = "DELETE FROM {}"
CONTENTS = "SELECT value FROM {}"

STATEMENT = st.tuples(
    st.sampled_from([*STATEMENTS]),
    st.sampled_from(TABLES),
    st.integers(0, 3),
)
Transaction = tuple[str, list[tuple[str, str, int]]]

TRANSACTION = st.tuples(st.sampled_from(["COMMIT", "ROLLBACK"]), st.lists(STATEMENT, max_size=4))
FLUSH = st.sampled_from(["", "one", "one, two"])
"""What the class flushes after its last transaction but one."""

CLASS = st.tuples(st.lists(TRANSACTION, max_size=4), FLUSH, st.lists(TRANSACTION, max_size=1))


@pytest.mark.usefixtures("configured_django")
@given(st.lists(CLASS, max_size=6))
def test_classes_that_commit_and_roll_back_agree_with_a_model(
    classes: list[
        tuple[
            list[Transaction],
            str,
            list[Transaction],
        ]
    ],
) -> None:
    name = f"file:{uuid.uuid4().hex}?mode=memory&cache=shared"
    with closing(sqlite3.connect(name, uri=True, isolation_level=None)) as tests:
        for table in TABLES:
            tests.execute(f"CREATE TABLE {table} (value INTEGER)")
            tests.executemany(STATEMENTS["insert"].format(table), [[0], [1]])
        database = WatchedDatabase("default", observe(None, name))
        database.rebase()

        for before_flush, flush, after_flush in classes:
            expected = _contents(tests)
            for transaction in before_flush:
                _execute(tests, *transaction)
            flushed = frozenset(filter(None, flush.split(", ")))
            if flushed:
                for table in flushed:
                    tests.execute(EMPTY.format(table))
                    expected[table] = Counter()
                database.note_flush(flushed, bare=False)
            for transaction in after_flush:
                _execute(tests, *transaction)
            database.poll()
            leaks = {leak.table: (leak.before, leak.after) for leak in database.compare()}

            actual = _contents(tests)
            assert leaks == {
                table: (expected[table].total(), actual[table].total())
                for table in TABLES
                if actual[table] != expected[table]
            }


def _execute(tests: sqlite3.Connection, end: str, statements: list[tuple[str, str, int]]) -> None:
    tests.execute("BEGIN")
    for kind, table, value in statements:
        tests.execute(STATEMENTS[kind].format(table), [value])
    tests.execute(end)


def _contents(tests: sqlite3.Connection) -> dict[str, Counter[int]]:
    return {
        table: Counter(value for (value,) in tests.execute(CONTENTS.format(table)))
        for table in TABLES
    }
