"""Row differences are exact on real servers, for every type of column and every kind of table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import docker
import pytest
from harness.row_tables import CHANGE, CREATE, stored_bytes
from harness.servers import VENDORS as FLAVOURS
from harness.servers import running_server

from ctest_containers.backends.mysql import session as mysql
from ctest_containers.backends.postgresql import session as postgresql
from ctest_containers.model import Address, Vendor
from ctest_containers.rows import (
    DatabaseDifference,
    DatabaseLocation,
    TableDifference,
    apply,
    difference,
    from_json,
    to_json,
)

BEFORE, AFTER, APPLIED = "rows_before", "rows_after", "rows_applied"


@dataclass(frozen=True, slots=True)
class RowServer:
    """A server with three databases: before, after, and one like before."""

    vendor: Vendor
    address: Address

    def at(self, name: str) -> DatabaseLocation:
        """Where a database is."""
        return DatabaseLocation(vendor=self.vendor, name=name, address=self.address)

    def cursor(self, name: str) -> AbstractContextManager[Any]:
        """A cursor in a database."""
        if self.vendor == "postgresql":
            return postgresql.admin_cursor(self.address, name)
        return mysql.admin_cursor(self.address)

    def execute(self, name: str, *statements: str) -> None:
        """Execute statements in a database."""
        with self.cursor(name) as cursor:
            if self.vendor == "mysql":
                cursor.execute(f"USE {name}")
            for statement in statements:
                cursor.execute(statement)

    def stored(self, name: str) -> dict[str, object]:
        """What the server has stored in a database."""
        with self.cursor(name) as cursor:
            return stored_bytes(self.vendor, cursor, name)

    def difference(self, before: str, after: str) -> DatabaseDifference:
        """What differs between two databases."""
        return difference(self.at(before), self.at(after))


@pytest.fixture(scope="module", params=[*FLAVOURS])
def running(request: pytest.FixtureRequest, engine: docker.DockerClient) -> Iterator[RowServer]:
    """A server without databases."""
    with running_server(engine, request.param) as (backend, address):
        yield RowServer(vendor=backend.vendor, address=address)


@pytest.fixture
def server(running: RowServer) -> Iterator[RowServer]:
    """A server with new databases."""
    names = (BEFORE, AFTER, APPLIED)
    with running.cursor("postgres") as cursor:
        for name in names:
            cursor.execute(f"CREATE DATABASE {name}")
    for name in names:
        running.execute(name, *CREATE[running.vendor])
    yield running
    with running.cursor("postgres") as cursor:
        for name in names:
            cursor.execute(f"DROP DATABASE {name}")


def named(found: DatabaseDifference) -> Callable[[str], TableDifference]:
    """Gives the difference of a table by its own name."""
    tables = {table.name.rpartition(".")[2]: table for table in found.tables}
    return tables.__getitem__


def test_databases_that_were_made_alike_do_not_differ(server: RowServer) -> None:
    assert not server.difference(BEFORE, AFTER)


def test_an_applied_difference_leaves_what_the_server_would_store(server: RowServer) -> None:
    server.execute(AFTER, *CHANGE[server.vendor])
    found = server.difference(BEFORE, AFTER)

    apply(from_json(to_json(found)), server.at(APPLIED))

    assert not server.difference(APPLIED, AFTER)
    assert server.stored(APPLIED) == server.stored(AFTER) != server.stored(BEFORE)
    apply(server.difference(AFTER, BEFORE), server.at(APPLIED))
    assert not server.difference(BEFORE, APPLIED)
    assert server.stored(APPLIED) == server.stored(BEFORE)


def test_rows_are_told_apart_by_primary_key_and_otherwise_as_a_whole(server: RowServer) -> None:
    server.execute(AFTER, *CHANGE[server.vendor])

    table = named(server.difference(BEFORE, AFTER))

    pairs, log = table("pairs"), table("log")
    assert pairs.key == ("b", "a")
    swapped = {change.after[0]: (change.before[2], change.after[2]) for change in pairs.changed}
    assert (swapped["1"], swapped["2"]) == (("10", "20"), ("20", "10"))
    assert (log.key, log.before, log.after) == ((), 4, 4)
    assert (len(log.added), len(log.changed), len(log.removed)) == (2, 0, 2)
    assert log.added[0] == (None,) * len(log.columns)
    (removed,), (changed,) = table("every").removed, table("every").changed
    assert (removed[0], changed.before[0], changed.after[0]) == ("2", "1", "1")


def test_the_session_s_settings_do_not_change_what_is_read(server: RowServer) -> None:
    server.execute(AFTER, *CHANGE[server.vendor])
    before = server.difference(BEFORE, AFTER)
    settings = (
        [
            f"ALTER DATABASE {AFTER} SET {name}"
            for name in (
                "TimeZone = 'Asia/Kolkata'",
                "DateStyle = 'SQL, DMY'",
                "IntervalStyle = 'iso_8601'",
                "extra_float_digits = -10",
                "bytea_output = 'escape'",
                "search_path = side",
            )
        ]
        if server.vendor == "postgresql"
        else ["SET GLOBAL time_zone = '+05:30'", "SET GLOBAL sql_mode = 'ANSI,STRICT_ALL_TABLES'"]
    )
    server.execute(AFTER, *settings)
    try:
        assert server.difference(BEFORE, AFTER) == before
    finally:
        if server.vendor == "mysql":
            server.execute(AFTER, "SET GLOBAL time_zone = DEFAULT", "SET GLOBAL sql_mode = DEFAULT")


def test_schema_changes_are_named_and_other_tables_still_compared(server: RowServer) -> None:
    server.execute(
        AFTER,
        "CREATE TABLE extra (id int)",
        "ALTER TABLE hen ADD COLUMN colour int",
        "INSERT INTO fired VALUES ('x')",
    )

    found = server.difference(BEFORE, AFTER)

    first_words = {" ".join(line.split(":")[0].split()[:3]) for line in found.schema}
    place = "public." if server.vendor == "postgresql" else ""
    assert {f"+ table {place}extra", f"+ column {place}hen.colour"} <= first_words
    assert [table.name for table in found.tables] == [f"{place}fired"]
    assert not found.is_complete


def test_only_mysql_shows_rows_that_another_session_has_not_committed(server: RowServer) -> None:
    with server.cursor(AFTER) as cursor:
        if server.vendor == "mysql":
            cursor.execute(f"USE {AFTER}")
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO fired VALUES ('uncommitted')")

        usual = difference(server.at(BEFORE), server.at(AFTER))
        found = difference(server.at(BEFORE), server.at(AFTER), uncommitted=True)
        within = difference(server.at(AFTER), server.at(AFTER), uncommitted=True)

        cursor.execute("ROLLBACK")
    assert not usual
    assert within == found
    added = [row for table in found.tables for row in table.added]
    assert added == ([("uncommitted",)] if server.vendor == "mysql" else [])


def test_triggers_fire_again_after_a_difference_was_applied(server: RowServer) -> None:
    server.execute(AFTER, *CHANGE[server.vendor])
    apply(server.difference(BEFORE, AFTER), server.at(APPLIED))

    server.execute(APPLIED, "INSERT INTO pairs VALUES (7, 'fires', 7)")

    fired = named(server.difference(AFTER, APPLIED))("fired")
    assert len(fired.added) == (2 if server.vendor == "mysql" else 1)


def test_a_large_table_is_compared_in_slices_and_counted_if_too_much_differs(
    server: RowServer,
) -> None:
    numbers = (
        "INSERT INTO hen SELECT n, n FROM generate_series(10, 60009) AS n"
        if server.vendor == "postgresql"
        else "INSERT INTO hen SELECT a.n * 2000 + b.n * 10 + c.n + 10, 1 FROM"
        + " JOIN".join(
            f" JSON_TABLE('[{','.join(map(str, range(size)))}]', '$[*]'"
            f" COLUMNS (n INT PATH '$')) AS {name}"
            for name, size in (("a", 30), ("b", 200), ("c", 10))
        )
    )
    off = (
        "SET session_replication_role = replica"
        if server.vendor == "postgresql"
        else "SET foreign_key_checks = 0"
    )
    for name in (BEFORE, AFTER):
        server.execute(name, off, numbers)
    server.execute(AFTER, off, "UPDATE hen SET egg = -1 WHERE id IN (20, 30000)")

    (few,) = server.difference(BEFORE, AFTER).tables
    server.execute(AFTER, off, "UPDATE hen SET egg = -1 WHERE id > 9")
    (many,) = difference(server.at(BEFORE), server.at(AFTER), limit_rows=50_000).tables

    assert [change.after for change in few.changed] == [("20", "-1"), ("30000", "-1")]
    assert (few.added, few.removed) == ((), ())
    assert (many.is_listed, many.changed, many.before, many.after) == (False, (), 60001, 60001)
