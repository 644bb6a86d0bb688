"""A difference of databases reaches the statements that it can change, and few others."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ctest_containers.backends.rows import DatabaseLocation
from ctest_containers.backends.schema import WHOLE, Kind, SchemaObject, TableRows
from ctest_containers.backends.summarizing import summary_from, summary_of
from ctest_containers.backends.summary import UNREAD
from ctest_containers.impact.schema import touches
from ctest_containers.impact.schema_changes import schema_changes
from ctest_containers.model import SQLITE

pytestmark = pytest.mark.usefixtures("configured_django")

CREATE = (
    "CREATE TABLE author (id integer PRIMARY KEY, name text)",
    (
        "CREATE TABLE book (id integer PRIMARY KEY, author_id integer REFERENCES author (id),"
        " title text, price integer)"
    ),
    (
        "CREATE TABLE review (id integer PRIMARY KEY,"
        " book_id integer REFERENCES book (id) ON DELETE CASCADE)"
    ),
    "CREATE TABLE log (line text)",
    "CREATE TABLE other (id integer PRIMARY KEY)",
    "CREATE VIEW titles AS SELECT title FROM book",
    "CREATE TRIGGER noting AFTER UPDATE ON book BEGIN INSERT INTO log VALUES ('b'); END",
    "INSERT INTO author VALUES (1, 'A'), (2, 'B')",
    "INSERT INTO book VALUES (1, 1, 'T', 5)",
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a statement touches."""

    kind: str = "select"
    read: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    inserted: frozenset[str] = frozenset()
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    anything: bool = False


def select(table: str, *columns: str) -> Statement:
    """A query for some columns of a table, or for `*`."""
    return Statement(
        read=frozenset({table}),
        columns={table: frozenset(columns) - {"*"}},
        whole=frozenset({table}) if "*" in columns else frozenset(),
    )


def insert(table: str, *columns: str) -> Statement:
    """A statement that inserts rows."""
    names = frozenset({table})
    return Statement(
        kind="insert", written=names, inserted=names, columns={table: frozenset(columns)}
    )


def update(table: str, *columns: str) -> Statement:
    """A statement that updates rows."""
    return Statement(kind="update", written=frozenset({table}), columns={table: frozenset(columns)})


def delete(table: str) -> Statement:
    """A statement that deletes rows."""
    return Statement(kind="delete", written=frozenset({table}), columns={table: frozenset({"id"})})


STATEMENTS = {
    "select titles": select("book", "title"),
    "select prices": select("book", "price"),
    "select all": select("book", "*"),
    "insert book": insert("book", "title"),
    "update title": update("book", "title"),
    "delete book": delete("book"),
    "select author": select("author", "id", "name"),
    "select author ids": select("author", "id"),
    "insert author": insert("author", "name"),
    "update author": update("author", "name"),
    "delete author": delete("author"),
    "select review": select("review", "book_id"),
    "insert review": insert("review", "book_id"),
    "delete review": delete("review"),
    "select log": select("log", "line"),
    "insert log": insert("log", "line"),
    "select view": select("titles", "title"),
    "select other": select("other", "*"),
    "delete other": delete("other"),
}
WRITES_OF_BOOK = {"insert book", "update title", "delete book"}
OF_BOOK = {*WRITES_OF_BOOK, "select titles", "select prices", "select all"}

REACHED: dict[str, set[str]] = {
    "ALTER TABLE book ADD COLUMN isbn text": {"select all", "insert book", "select view"},
    "ALTER TABLE book DROP COLUMN price": {
        *("select prices", "select all", "insert book", "select view"),
    },
    "CREATE INDEX book_price ON book (price)": {*OF_BOOK, "select view"},
    "UPDATE author SET name = 'C' WHERE id = 2": {
        *("select author", "insert author", "update author"),
    },
    "INSERT INTO author VALUES (3, 'C')": {
        *("select author", "select author ids", "insert author", "update author", "delete author"),
        # Both may now refer to the new row.
        *("insert book", "update title"),
    },
    "UPDATE book SET author_id = 2": {
        # Author 1 is no longer in use, but author 2 is.
        *("select all", "insert book", "select view", "update author", "delete author"),
        # The trigger has added a row.
        *("select log", "insert log", *WRITES_OF_BOOK),
    },
    "CREATE TABLE basket (id integer PRIMARY KEY, other_id integer REFERENCES other (id))": {
        "delete other",
    },
    "DROP VIEW titles": {"select view"},
    "CREATE TRIGGER dropping AFTER DELETE ON review BEGIN DELETE FROM other; END": {
        *("insert review", "delete review", "delete book", "update title"),
    },
    # The trigger of books writes there.
    "CREATE INDEX log_line ON log (line)": {"select log", "insert log", *WRITES_OF_BOOK},
    "CREATE UNIQUE INDEX review_book ON review (book_id)": {
        # Deleting a book deletes reviews.
        *("select review", "insert review", "delete review", "delete book", "update title"),
    },
    "PRAGMA user_version = 2": {*STATEMENTS},
}


def summary(file: Path) -> dict[str, Any]:
    """The summary of a database of SQLite."""
    return summary_of(DatabaseLocation(vendor=SQLITE, name=str(file))).to_json()


@pytest.mark.parametrize("change", REACHED)
def test_a_change_reaches_what_it_can_break(change: str, tmp_path: Path) -> None:
    file = tmp_path / "database"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in CREATE:
            connection.execute(statement)
        before = summary(file)
        connection.execute(change)

    changes = schema_changes({"default": before}, {"default": summary(file)})

    reached = {
        name
        for name, statement in STATEMENTS.items()
        if any(touches(change, statement) for change in changes)
    }
    assert reached == REACHED[change]


def test_a_statement_that_may_touch_anything_is_reached_by_any_change() -> None:
    changes = schema_changes({"default": of([])}, {"default": of(table("shop", "id", "integer"))})

    assert all(touches(change, Statement(anything=True)) for change in changes)
    assert not any(touches(change, Statement()) for change in changes)


def test_a_database_without_a_comparable_summary_has_changed_as_a_whole() -> None:
    (change,) = schema_changes({"default": {**of([]), "format": 0}}, {"default": of([])})

    assert touches(change, STATEMENTS["select other"])
    assert schema_changes({}, {"default": of([])})
    assert not schema_changes({"default": of([])}, {"default": of([])})


def table(name: str, *columns: str) -> list[SchemaObject]:
    """A table with pairs of names and types of columns."""
    return [
        SchemaObject(kind=Kind.TABLE, name=name, definition="", table=name),
        *(
            SchemaObject(kind=Kind.COLUMN, name=column, definition=kind, table=name)
            for column, kind in zip(columns[::2], columns[1::2], strict=True)
        ),
    ]


def function(name: str, definition: str) -> SchemaObject:
    """A function as PostgreSQL describes it."""
    return SchemaObject(kind=Kind.FUNCTION, name=name, definition=definition)


def trigger(name: str, owner: str, called: str) -> SchemaObject:
    """A trigger that calls a function."""
    text = f"CREATE TRIGGER {name} AFTER INSERT ON {owner} EXECUTE FUNCTION {called}()"
    return SchemaObject(kind=Kind.TRIGGER, name=name, definition=text, table=owner)


def of(objects: list[SchemaObject]) -> dict[str, Any]:
    """The summary of a database with these objects and no rows."""
    rows = {thing.name: TableRows(count=0) for thing in objects if thing.kind is Kind.TABLE}
    return summary_from("postgresql", objects, rows).to_json()


def reached(before: list[SchemaObject], after: list[SchemaObject]) -> set[str]:
    """The statements below that a change reaches."""
    statements = {
        "insert into x": insert("x", "a"),
        "select x": select("x", "a"),
        "insert into y": insert("y", "b"),
        "call f": Statement(calls=frozenset({"f"})),
        "call g": Statement(calls=frozenset({"g"})),
    }
    changes = schema_changes({"default": of(before)}, {"default": of(after)})
    return {
        name
        for name, statement in statements.items()
        if any(touches(change, statement) for change in changes)
    }


X, Y = table("x", "a", "integer"), table("y", "b", "integer")
X_LONGER = table("x", "a", "integer", "c", "integer")
OF_TRIGGERS = "LANGUAGE plpgsql RETURNS trigger AS $$ BEGIN {} END $$"


def test_a_changed_function_reaches_its_callers() -> None:
    objects = [*X, *Y, function("g", "LANGUAGE sql AS 'SELECT f()'")]

    before = [*objects, function("f", "LANGUAGE sql AS 'SELECT 1'")]
    after = [*objects, function("f", "LANGUAGE sql AS 'SELECT 2'")]

    assert reached(before, after) == {"call f", "call g"}
    default = SchemaObject(kind=Kind.COLUMN, name="b", definition="default f()", table="y")
    assert reached([*before, default], [*after, default]) == {"call f", "call g", "insert into y"}
    operator = SchemaObject(kind=Kind.OTHER, name="operator +", definition="public.f")
    assert reached([*before, operator], [*after, operator]) == {
        *("insert into x", "select x", "insert into y", "call f", "call g"),
    }


def test_a_changed_table_reaches_the_callers_of_functions_that_use_it() -> None:
    objects = [*Y, function("f", "LANGUAGE sql AS 'SELECT max(a) FROM X'")]

    assert reached([*X, *objects], [*X_LONGER, *objects]) == {"insert into x", "call f"}


def test_a_changed_function_of_a_trigger_reaches_what_fires_it() -> None:
    objects = [*X, *Y, trigger("t", "x", "f")]

    before = [*objects, function("f", OF_TRIGGERS.format("INSERT INTO y VALUES (1);"))]
    after = [*objects, function("f", OF_TRIGGERS.format("INSERT INTO y VALUES (2);"))]

    assert reached(before, after) == {"insert into x", "call f"}


def test_a_trigger_with_dynamic_statements_may_use_any_table() -> None:
    objects = [*Y, trigger("t", "y", "f"), function("f", OF_TRIGGERS.format("EXECUTE command;"))]

    assert reached([*X, *objects], [*X_LONGER, *objects]) == {"insert into x", "insert into y"}


def test_the_rows_of_a_table_are_those_of_its_partitions() -> None:
    objects = [
        *(*X, *Y),
        SchemaObject(kind=Kind.PARTITION, name="y", definition="", table="x", refers="y"),
    ]
    before, after = (
        summary_from("postgresql", objects, {"x": TableRows(count=count)}).to_json()
        for count in (1, 2)
    )

    changes = schema_changes({"default": before}, {"default": after})

    assert any(touches(change, select("y", "b")) for change in changes)
    assert reached(objects, [*objects, *table("y", "c", "text")]) == {
        *("insert into x", "select x", "insert into y"),
    }


def test_rows_that_are_too_many_count_as_changed_in_another_template() -> None:
    objects = table("x", "a", "integer")
    before, same, after = (
        summary_from("postgresql", objects, {"x": TableRows(count=UNREAD, columns={WHOLE: stamp})})
        for stamp in ("first", "first", "second")
    )

    changes = schema_changes({"default": before.to_json()}, {"default": after.to_json()})

    assert {change.text for change in changes} == {"the rows of x may have changed"}
    assert not schema_changes({"default": before.to_json()}, {"default": same.to_json()})
