"""A database is compared class by class, with and without what flushes explain."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from ctest_containers.backends.observing import NO_ROWS, TableState
from ctest_containers.errors import ServerError
from ctest_containers.events import TableLeak
from ctest_containers.workers.watched_database import WatchedDatabase

SEEDED = TableState(3, "seeded")


class Tables:
    """An observer of tables in a dictionary, which counts how often they are read."""

    def __init__(self, **tables: TableState) -> None:
        self.tables = dict(tables)
        self.changed = False
        self.surveys: list[Collection[str] | None] = []
        self.is_locked = False

    def commit(self, **tables: TableState) -> None:
        """Change tables."""
        self.tables.update(tables)
        self.changed = True

    def has_changed(self) -> bool:
        changed, self.changed = self.changed, False
        return changed

    def survey(
        self, tables: Collection[str] | None = None, session: object = None
    ) -> Mapping[str, TableState]:
        del session
        if self.is_locked:
            raise ServerError("A lock is held.")
        self.surveys.append(tables)
        return {
            name: state for name, state in self.tables.items() if tables is None or name in tables
        }

    def close(self) -> None:
        """Nothing is open."""


def watched(tables: Tables) -> WatchedDatabase:
    database = WatchedDatabase("default", tables)
    database.rebase()
    tables.surveys.clear()
    return database


def compared(database: WatchedDatabase, *, cascades: bool = False) -> list[TableLeak]:
    database.poll()
    return database.compare(cascades=cascades)


def test_nothing_is_read_if_nothing_was_committed() -> None:
    tables = Tables(shop=SEEDED)

    assert compared(watched(tables)) == []
    assert tables.surveys == []


@pytest.mark.parametrize(
    ("state", "leak"),
    [
        (TableState(5, "more"), TableLeak(table="shop", before=3, after=5)),
        (NO_ROWS, TableLeak(table="shop", before=3, after=0)),
        (TableState(3, "other"), TableLeak(table="shop", before=3, after=3)),
    ],
)
def test_a_change_is_reported_once(state: TableState, leak: TableLeak) -> None:
    tables = Tables(shop=SEEDED)
    database = watched(tables)
    tables.commit(shop=state)

    assert compared(database) == [leak]
    tables.commit()
    assert compared(database) == []


def test_a_commit_that_leaves_all_rows_as_they_were_is_no_leak() -> None:
    tables = Tables(shop=SEEDED)
    database = watched(tables)
    tables.commit()

    assert compared(database) == []
    assert tables.surveys == [None]


def test_tables_are_created_and_dropped() -> None:
    tables = Tables(shop=SEEDED)
    database = watched(tables)
    del tables.tables["shop"]
    tables.commit(new=NO_ROWS)

    assert compared(database) == [
        TableLeak(table="new", before=None, after=0),
        TableLeak(table="shop", before=3, after=None),
    ]


def test_what_a_flush_has_emptied_is_no_leak_and_only_other_tables_are_read() -> None:
    tables = Tables(shop=SEEDED, types=SEEDED, migrations=SEEDED)
    database = watched(tables)
    tables.commit(shop=NO_ROWS, types=TableState(3, "new numbers"))
    database.note_flush(frozenset({"shop", "types"}), bare=False)
    tables.surveys.clear()

    assert compared(database) == []
    assert tables.surveys == [{"types", "migrations"}]


def test_tables_that_the_last_flush_leaves_out_are_read_at_once() -> None:
    tables = Tables(shop=SEEDED, other=NO_ROWS)
    database = watched(tables)
    tables.commit(shop=NO_ROWS, other=TableState(1, "left"))
    database.note_flush(frozenset({"shop"}), bare=False, is_last=True)
    tables.surveys.clear()

    assert compared(database) == [TableLeak(table="other", before=0, after=1)]
    assert tables.surveys == []


def test_a_commit_after_the_last_flush_is_a_leak() -> None:
    tables = Tables(shop=SEEDED, other=NO_ROWS)
    database = watched(tables)
    tables.commit(shop=NO_ROWS)
    database.note_flush(frozenset({"shop"}), bare=False, is_last=True)
    tables.commit(other=TableState(1, "left"))

    assert compared(database) == [TableLeak(table="other", before=0, after=1)]
    assert tables.surveys[-1] is None


def test_what_follows_a_flush_is_a_leak() -> None:
    tables = Tables(shop=SEEDED, migrations=SEEDED)
    database = watched(tables)
    tables.commit(shop=NO_ROWS)
    database.note_flush(frozenset({"shop"}), bare=False)
    tables.commit(shop=TableState(1, "left"))

    assert compared(database) == [TableLeak(table="shop", before=0, after=1)]
    assert compared(database) == []


def test_a_table_that_the_flush_left_out_is_compared() -> None:
    tables = Tables(shop=SEEDED, other=NO_ROWS)
    database = watched(tables)
    tables.commit(shop=NO_ROWS, other=TableState(1, "left"))
    database.note_flush(frozenset({"shop"}), bare=False)

    assert compared(database) == [TableLeak(table="other", before=0, after=1)]


def test_a_flush_that_cascades_may_empty_other_tables() -> None:
    tables = Tables(shop=SEEDED, other=SEEDED)
    database = watched(tables)
    tables.commit(shop=NO_ROWS, other=NO_ROWS)
    database.note_flush(frozenset({"shop"}), bare=False)

    assert compared(database, cascades=True) == []


def test_a_comparison_that_a_lock_prevents_is_made_up_for() -> None:
    tables = Tables(shop=SEEDED)
    database = watched(tables)
    tables.commit(shop=NO_ROWS)
    tables.is_locked = True
    with pytest.raises(ServerError):
        compared(database)
    tables.is_locked = False

    assert compared(database) == [TableLeak(table="shop", before=3, after=0)]


def test_the_rows_of_a_module_are_a_leak_only_when_it_has_ended() -> None:
    tables = Tables(shop=NO_ROWS)
    database = watched(tables)
    tables.commit(shop=TableState(1, "of the module"))
    database.begin_module()

    tables.commit()
    assert compared(database) == []
    assert database.end_module() == [TableLeak(table="shop", before=0, after=1)]


def test_a_module_that_removes_its_rows_leaves_nothing() -> None:
    tables = Tables(shop=NO_ROWS)
    database = watched(tables)
    tables.commit(shop=TableState(1, "of the module"))
    database.begin_module()
    tables.commit(shop=NO_ROWS)

    assert database.end_module() == []


def test_what_a_class_has_left_is_not_reported_for_its_module_again() -> None:
    tables = Tables(shop=NO_ROWS)
    database = watched(tables)
    database.begin_module()
    tables.commit(shop=TableState(1, "of the class"))

    assert len(compared(database)) == 1
    assert database.end_module() == []


def test_a_flush_explains_what_a_module_is_missing_in_the_end() -> None:
    tables = Tables(shop=SEEDED)
    database = watched(tables)
    database.begin_module()
    tables.commit(shop=NO_ROWS)
    database.note_flush(frozenset({"shop"}), bare=False)

    assert compared(database) == []
    assert database.end_module() == []
