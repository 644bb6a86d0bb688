"""Two SQLite databases are compared, and what differs is applied, without a server."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from django.db.backends.sqlite3._functions import register  # type: ignore[import-untyped]

from ctest_containers.errors import ServerError, UsageError
from ctest_containers.model import SQLITE, Vendor
from ctest_containers.rows import (
    CounterChange,
    DatabaseDifference,
    DatabaseLocation,
    RowChange,
    TableDifference,
    apply,
    comparing,
    difference,
    from_json,
    to_json,
)

SCHEMA = """
CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, price REAL);
CREATE TABLE log (line);
CREATE TABLE django_migrations (app, name);
INSERT INTO item (name, price) VALUES ('desk', 10), ('bed', 0.1), ('lamp', 3);
INSERT INTO log VALUES ('twice'), ('twice');
INSERT INTO django_migrations VALUES ('shop', '0001_initial');
"""

MANY_ROWS = """
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO log SELECT i FROM n
"""

Change = Callable[[str], DatabaseLocation]


@pytest.fixture
def before(tmp_path: Path) -> DatabaseLocation:
    """A database with a few rows."""
    file = tmp_path / "before 100%.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(SCHEMA)
    return DatabaseLocation(vendor=SQLITE, name=str(file))


@pytest.fixture
def changed(before: DatabaseLocation, tmp_path: Path) -> Change:
    """Makes a copy of it in which statements were executed."""

    def change(statements: str) -> DatabaseLocation:
        file = tmp_path / f"after-{len(list(tmp_path.iterdir()))}.sqlite3"
        shutil.copyfile(before.name, file)
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(statements)
        return DatabaseLocation(vendor=SQLITE, name=str(file))

    return change


def test_a_copy_does_not_differ(before: DatabaseLocation, changed: Change) -> None:
    found = difference(before, changed(""))

    assert found == DatabaseDifference(vendor=SQLITE)
    assert not found
    assert found.is_complete


def test_rows_are_added_changed_and_removed(before: DatabaseLocation, changed: Change) -> None:
    after = changed(
        "INSERT INTO item VALUES (9, 'sofa', 1e300); UPDATE item SET price = 0.2 WHERE id = 2;"
        "DELETE FROM item WHERE id = 1"
    )

    assert difference(before, after) == DatabaseDifference(
        vendor=SQLITE,
        tables=(
            TableDifference(
                name="item",
                columns=("id", "name", "price"),
                key=("id",),
                before=3,
                after=3,
                added=(("9", "'sofa'", "1e+300"),),
                changed=(RowChange(before=("2", "'bed'", "0.1"), after=("2", "'bed'", "0.2")),),
                removed=(("1", "'desk'", "10.0"),),
            ),
        ),
        counters=(CounterChange(name="item", before="3", after="9"),),
    )


def test_equal_rows_without_a_primary_key_are_counted(
    before: DatabaseLocation, changed: Change
) -> None:
    after = changed("DELETE FROM log WHERE rowid = 1")

    (table,) = difference(before, after).tables

    assert (table.added, table.removed) == ((), (("'twice'",),))
    (table,) = difference(after, before).tables
    assert (table.added, table.removed) == ((("'twice'",),), ())


def test_rows_are_in_the_order_of_their_numbers(before: DatabaseLocation, changed: Change) -> None:
    after = changed("INSERT INTO item (id) VALUES (100), (20), (9), (-3)")

    (table,) = difference(before, after).tables

    assert [row[0] for row in table.added] == ["-3", "9", "20", "100"]


def test_a_changed_schema_is_named_and_migrations_are_only_rows(
    before: DatabaseLocation, changed: Change
) -> None:
    after = changed(
        "CREATE TABLE extra (n); DROP TABLE log; ALTER TABLE item ADD COLUMN size;"
        "INSERT INTO django_migrations VALUES ('shop', '0002_size')"
    )

    found = difference(before, after)

    assert [line.partition(":")[0] for line in found.schema] == [
        "+ table extra",
        "~ table item",
        "- table log",
    ]
    assert [table.name for table in found.tables] == ["django_migrations"]
    assert not found.is_complete


@pytest.mark.parametrize(("rows", "characters"), [(499, 10_000), (500, 499)])
def test_too_many_rows_are_not_listed(
    rows: int,
    characters: int,
    before: DatabaseLocation,
    changed: Change,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparing, "LIMIT_CHARACTERS", characters)

    found = difference(before, changed(MANY_ROWS), limit_rows=rows)

    (table,) = found.tables
    assert (table.is_listed, table.before, table.after, table.added) == (False, 2, 502, ())
    assert not found.is_complete


def test_slices_have_few_rows(
    before: DatabaseLocation, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = changed(MANY_ROWS)
    whole = difference(before, after)
    monkeypatch.setattr(comparing, "SLICE_ROWS", 20)

    assert difference(before, after) == whole
    assert len(whole.tables[0].added) == 500


def test_a_missing_file_is_an_error_of_the_server(before: DatabaseLocation) -> None:
    with pytest.raises(ServerError, match="SQLite reported an error"):
        difference(before, replace(before, name=f"{before.name}-missing"))


def test_a_difference_survives_json(before: DatabaseLocation, changed: Change) -> None:
    after = changed("INSERT INTO log VALUES (CAST(x'ff27' AS TEXT)), (NULL), (x'ff'), (-0.0)")

    found = difference(before, after)
    text = to_json(found)

    assert text.startswith('{"version":1,"vendor":"sqlite"')
    assert text.isascii()
    assert "\n" not in text
    assert from_json(text) == from_json(text.encode()) == found
    assert set(found.tables[0].added) == {("'\udcff'''",), (None,), ("x'ff'",), ("-0.0",)}


TABLE = {"name": "t", "columns": ["a"], "key": [], "before": 0, "after": 1}


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"version": 2, "vendor": "sqlite"},
        {"version": 1},
        {"version": 1, "vendor": "sqlite", "more": 1},
        {"version": 1, "vendor": "sqlite", "tables": [{"name": "t"}]},
        {"version": 1, "vendor": "sqlite", "tables": [{**TABLE, "added": [["1", "2"]]}]},
        {"version": 1, "vendor": "sqlite", "tables": [{**TABLE, "removed": [[1]]}]},
        {"version": 1, "vendor": "sqlite", "tables": [{**TABLE, "changed": [["1"]]}]},
    ],
)
def test_other_json_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="not a difference between databases"):
        from_json(json.dumps(data))


def test_an_applied_difference_leaves_none(before: DatabaseLocation, changed: Change) -> None:
    after = changed(
        "CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM log; END;"
        "UPDATE item SET name = name || '!'; INSERT INTO item (name) VALUES ('x');"
        "DELETE FROM item WHERE id = 4; INSERT INTO log VALUES ('y')"
    )
    applied = changed("CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM log; END")

    apply(difference(before, after), applied)

    assert not difference(applied, after)


def test_functions_of_django_and_the_project_in_the_schema_do_no_harm(
    before: DatabaseLocation, changed: Change
) -> None:
    with closing(sqlite3.connect(before.name)) as connection:
        register(connection)
        connection.create_function("of_the_project", 1, bool, deterministic=True)
        connection.executescript(
            "CREATE TABLE made (name TEXT CHECK (of_the_project(name)), s AS (MD5(name)) STORED,"
            " v AS (SHA1(name)), CHECK (name REGEXP '^[a-z]+$'));"
            "CREATE INDEX made_reversed ON made (REVERSE(name))"
        )
    after, applied = changed(""), changed("")
    with closing(sqlite3.connect(after.name)) as connection:
        register(connection)
        connection.create_function("of_the_project", 1, bool, deterministic=True)
        connection.execute("INSERT INTO made (name) VALUES ('abc')")
        connection.commit()

    apply(difference(before, after), applied)

    assert not difference(applied, after)


def test_a_row_that_another_template_already_has_is_replaced(
    before: DatabaseLocation, changed: Change
) -> None:
    found = difference(before, changed("INSERT INTO item VALUES (4, 'new', 1)"))
    elsewhere = changed("INSERT INTO item VALUES (4, 'another', 2); DELETE FROM item WHERE id = 1")

    apply(found, elsewhere)

    (table,) = difference(before, elsewhere).tables
    assert (table.added, table.removed) == ((("4", "'new'", "1.0"),), (("1", "'desk'", "10.0"),))


def test_a_database_that_does_not_fit_is_refused_and_left_alone(
    before: DatabaseLocation, changed: Change
) -> None:
    found = difference(before, changed("INSERT INTO item VALUES (4, 'new', 1)"))
    other = changed("ALTER TABLE item ADD COLUMN size")
    unnumbered = changed("DROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY, name, price)")

    with pytest.raises(UsageError, match="no table 'item' with the columns id, name, price"):
        apply(found, other)
    with pytest.raises(UsageError, match="cannot be applied to a sqlite database"):
        apply(replace(found, vendor=Vendor("mysql")), before)
    with pytest.raises(UsageError, match="no sequence 'gone'"):
        apply(
            replace(found, counters=(CounterChange(name="gone", before="1", after="2"),)),
            unnumbered,
        )


def test_nothing_is_changed_if_a_row_cannot_be_inserted(
    before: DatabaseLocation, changed: Change
) -> None:
    found = difference(before, changed("UPDATE item SET price = -price"))
    strict = changed(
        "CREATE UNIQUE INDEX one ON item (price) WHERE price < 0;"
        "INSERT INTO item VALUES (7, 'x', -3)"
    )
    untouched = changed(
        "CREATE UNIQUE INDEX one ON item (price) WHERE price < 0;"
        "INSERT INTO item VALUES (7, 'x', -3)"
    )

    with pytest.raises(ServerError, match="UNIQUE constraint failed"):
        apply(found, strict)

    assert not difference(untouched, strict)
