"""The difference of two databases names exactly what a migration changes, on real servers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import docker
import pytest
from harness.servers import VENDORS as FLAVOURS
from harness.servers import running_server
from harness.tiers import further

from ctest_containers.backends.mysql import session as mysql
from ctest_containers.backends.postgresql import session as postgresql
from ctest_containers.backends.rows import DatabaseLocation
from ctest_containers.backends.schema import Period
from ctest_containers.backends.summarizing import summary_of
from ctest_containers.backends.summary import SchemaSummary
from ctest_containers.impact.schema import ALL, WRITES, SchemaChange
from ctest_containers.impact.schema_changes import schema_changes
from ctest_containers.model import SQLITE

pytestmark = pytest.mark.usefixtures("configured_django")

BEFORE, AFTER = "schema_before", "schema_after"

CREATE: Final = (
    "CREATE TABLE author (id integer PRIMARY KEY, name varchar(50) NOT NULL)",
    (
        "CREATE TABLE book (id integer PRIMARY KEY, author_id integer NOT NULL,"
        " title varchar(50), price integer, made timestamp NULL,"
        " FOREIGN KEY (author_id) REFERENCES author (id))"
    ),
    "CREATE TABLE log (line varchar(50))",
    "INSERT INTO author VALUES (1, 'A'), (2, 'B')",
    "INSERT INTO book VALUES (1, 1, 'T', 5, NULL)",
    "INSERT INTO log VALUES ('a'), ('a')",
    "CREATE VIEW titles AS SELECT title FROM book",
)

TRIGGER: Final = (
    "CREATE TRIGGER noting AFTER UPDATE ON book FOR EACH ROW"
    " BEGIN INSERT INTO log VALUES ('b'); END"
)

CHANGES: Final[dict[str, tuple[dict[str, tuple[str, ...]], dict[str, set[str]]]]] = {
    "nothing": ({"": ()}, {"": set()}),
    "a column is added": (
        {"": ("ALTER TABLE book ADD COLUMN isbn varchar(20)",)},
        {"": {"the column isbn of book was added"}},
    ),
    "a column is altered": (
        {
            "postgresql": ("ALTER TABLE book ALTER COLUMN price TYPE bigint",),
            "mysql": ("ALTER TABLE book MODIFY COLUMN price bigint",),
            "sqlite": (
                "PRAGMA legacy_alter_table = ON",
                (
                    'CREATE TABLE "new__book" (id integer PRIMARY KEY, author_id integer NOT NULL,'
                    " title varchar(50), price bigint, made timestamp NULL,"
                    " FOREIGN KEY (author_id) REFERENCES author (id))"
                ),
                "INSERT INTO new__book SELECT * FROM book",
                "DROP TABLE book",
                "ALTER TABLE new__book RENAME TO book",
            ),
        },
        {"": {"the column price of book changed"}},
    ),
    "a column is removed": (
        {"": ("ALTER TABLE book DROP COLUMN price",)},
        {"": {"the column price of book was removed"}},
    ),
    "an index is added": (
        {"": ("CREATE INDEX book_price ON book (price)",)},
        {"": {"the index book_price of book was added"}},
    ),
    "a column becomes unique": (
        {
            "": ("ALTER TABLE book ADD CONSTRAINT book_title UNIQUE (title)",),
            "sqlite": ("CREATE UNIQUE INDEX book_title ON book (title)",),
        },
        {
            "": {"the index book_title of book was added"},
            "postgresql": {
                "the index book_title of book was added",
                "the constraint book_title of book was added",
            },
        },
    ),
    "values change": (
        {"": ("UPDATE author SET name = 'C' WHERE id = 2",)},
        {"": {"the values of name in author changed"}},
    ),
    "values are exchanged": (
        {"": ("UPDATE author SET name = CASE name WHEN 'A' THEN 'B' ELSE 'A' END",)},
        {"": {"the values of name in author changed"}},
    ),
    "rows are added": (
        {"": ("INSERT INTO author VALUES (3, 'C')",)},
        {"": {"the rows of author changed"}},
    ),
    "a row of a table without a primary key changes": (
        {"": ("UPDATE log SET line = 'c'",)},
        {"": {"the rows of log changed"}},
    ),
    "a table with a foreign key is added": (
        {
            "": (
                (
                    "CREATE TABLE review (id integer PRIMARY KEY, book_id integer,"
                    " FOREIGN KEY (book_id) REFERENCES book (id))"
                ),
            )
        },
        {"": {"the table review was added", "a foreign key from review to book was added"}},
    ),
    "a view is added": (
        {"": ("CREATE VIEW prices AS SELECT price FROM book",)},
        {"": {"the view prices was added"}},
    ),
    "a trigger is added": (
        {
            "": (TRIGGER,),
            "postgresql": (
                (
                    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN INSERT INTO log VALUES ('b'); RETURN NEW; END $$"
                ),
                ("CREATE TRIGGER noting AFTER UPDATE ON book FOR EACH ROW EXECUTE FUNCTION note()"),
            ),
        },
        {
            "": {"the trigger noting of book was added"},
            "postgresql": {
                "the trigger noting of book was added",
                "the function note was added",
            },
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Databases:
    """Two databases that were made alike.

    Attributes:
        execute: Executes statements in one of them.
        at: Says where one of them is.
    """

    vendor: str
    execute: Callable[..., None]
    at: Callable[[str], DatabaseLocation]

    def changes(self, *, after: Period | None = None) -> list[SchemaChange]:
        """What differs between them."""
        first, second = (summary_of(self.at(name), after).to_json() for name in (BEFORE, AFTER))
        return schema_changes({"default": first}, {"default": second})


@pytest.fixture(
    scope="module",
    params=[
        *(
            pytest.param(flavour, marks=further("MariaDB's test") if flavour == "mysql" else ())
            for flavour in FLAVOURS
        ),
        "sqlite",
    ],
)
def vendor(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Returns a context manager for two databases."""
    if request.param == "sqlite":
        yield files
        return
    engine: docker.DockerClient = request.getfixturevalue("engine")
    with running_server(engine, request.param) as (backend, address):

        def cursor(name: str) -> AbstractContextManager[Any]:
            if backend.vendor == "postgresql":
                return postgresql.admin_cursor(address, name)
            return mysql.admin_cursor(address)

        def execute(name: str, *statements: str) -> None:
            with cursor(name) as opened:
                if backend.vendor == "mysql":
                    opened.execute(f"USE {name}")
                for statement in statements:
                    opened.execute(statement)

        @contextmanager
        def made(_: Path) -> Iterator[Databases]:
            with cursor("postgres") as opened:
                for name in (BEFORE, AFTER):
                    opened.execute(f"CREATE DATABASE {name}")
            try:
                yield Databases(
                    backend.vendor,
                    execute,
                    lambda name: DatabaseLocation(
                        vendor=backend.vendor, name=name, address=address
                    ),
                )
            finally:
                with cursor("postgres") as opened:
                    for name in (BEFORE, AFTER):
                        opened.execute(f"DROP DATABASE {name}")

        yield made


@contextmanager
def files(folder: Path) -> Iterator[Databases]:
    """Two databases of SQLite."""

    def execute(name: str, *statements: str) -> None:
        with closing(sqlite3.connect(folder / name)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    yield Databases(
        SQLITE,
        execute,
        lambda name: DatabaseLocation(vendor=SQLITE, name=str(folder / name)),
    )


@pytest.fixture
def databases(vendor: Any, tmp_path: Path) -> Iterator[Databases]:
    """Two databases that were made alike."""
    with vendor(tmp_path) as made:
        for name in (BEFORE, AFTER):
            made.execute(name, *CREATE)
        yield made


@pytest.mark.parametrize("what", CHANGES)
def test_a_difference_names_exactly_what_has_changed(databases: Databases, what: str) -> None:
    statements, texts = CHANGES[what]
    databases.execute(AFTER, *statements.get(databases.vendor, statements.get("", ())))

    changes = databases.changes()

    assert {change.text for change in changes} == texts.get(databases.vendor, texts[""])


def test_an_index_of_postgresql_concerns_queries_that_name_its_columns(
    databases: Databases,
) -> None:
    databases.execute(AFTER, "CREATE INDEX book_price ON book (price)")

    (change, *_) = databases.changes()

    is_named = databases.vendor == "postgresql"
    assert change.columns == (frozenset({"price"}) if is_named else None)
    assert change.accesses == (WRITES if is_named else ALL)


def test_a_summary_is_the_same_after_it_was_stored(databases: Databases) -> None:
    summary = summary_of(databases.at(BEFORE))

    assert SchemaSummary.from_json(summary.to_json()) == summary


def test_times_of_a_build_do_not_count_as_changes(databases: Databases) -> None:
    databases.execute(BEFORE, "UPDATE book SET price = 6")
    databases.execute(AFTER, "UPDATE book SET price = 6")
    second = "(6)" if databases.vendor == "mysql" else ""
    for name, moment in ((BEFORE, "08:00:00.25"), (AFTER, "09:30:00.75")):
        databases.execute(
            name,
            f"ALTER TABLE author ADD COLUMN born timestamp{second} NULL",
            f"UPDATE author SET born = '2026-01-31 {moment}'",  # noqa: S608  # A constant.
            "UPDATE book SET made = '2026-01-31 08:00:00'",
        )
    during = Period(begin="2026-01-31 07:00:00.000000", end="2026-01-31 10:00:00.000000")

    assert not databases.changes(after=during)
    texts = {change.text for change in databases.changes()}
    assert texts == {"the values of born in author changed"}
    databases.execute(AFTER, "UPDATE book SET made = '2026-01-31 09:00:00'")
    texts = {change.text for change in databases.changes(after=during)}
    assert texts == {"the values of made in book changed"}


def test_the_numbers_of_many_to_many_rows_do_not_count(databases: Databases) -> None:
    for name, order in ((BEFORE, "(1, 'a', 1), (2, 'b', 1)"), (AFTER, "(1, 'b', 1), (2, 'a', 1)")):
        databases.execute(
            name,
            "CREATE TABLE land (code varchar(2) PRIMARY KEY)",
            "INSERT INTO land VALUES ('a'), ('b'), ('c')",
            (
                "CREATE TABLE author_lands (id integer PRIMARY KEY, land_id varchar(2) NOT NULL,"
                " author_id integer NOT NULL, FOREIGN KEY (land_id) REFERENCES land (code),"
                " FOREIGN KEY (author_id) REFERENCES author (id))"
            ),
            f"INSERT INTO author_lands VALUES {order}",  # noqa: S608  # A constant.
        )

    assert not databases.changes()
    databases.execute(AFTER, "UPDATE author_lands SET land_id = 'c' WHERE id = 1")
    texts = {change.text for change in databases.changes()}
    assert texts == {"the rows of author_lands changed"}
