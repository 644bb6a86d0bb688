"""PostgreSQL's observer may read in the tests' own session, which stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from typing import Any

import docker
import pytest
from harness.servers import running_server

from ctest_containers.backends.observing import NO_ROWS
from ctest_containers.backends.postgresql.observer import PostgresqlObserver
from ctest_containers.backends.postgresql.session import admin_cursor
from ctest_containers.model import Address


@pytest.fixture(scope="module")
def address(engine: docker.DockerClient) -> Iterator[Address]:
    with running_server(engine, "postgresql") as (backend, address):
        backend.prepare(address, ["project"])
        with admin_cursor(address) as cursor:
            cursor.execute("CREATE TABLE shop (at timestamptz, price money, of regclass)")
            cursor.execute("INSERT INTO shop VALUES ('2026-01-01', 1000.5, 'shop')")
            cursor.execute("CREATE TABLE empty (id int)")
            cursor.execute("CREATE TABLE secured AS SELECT 1")
            cursor.execute("ALTER TABLE secured ENABLE ROW LEVEL SECURITY")
            cursor.execute("CREATE ROLE limited; GRANT SELECT ON secured TO limited")
        yield address


@pytest.fixture(params=["psycopg", "psycopg2"])
def session(request: pytest.FixtureRequest, address: Address) -> Iterator[Any]:
    driver: Any = import_module(request.param)
    with closing(driver.connect(host=address.host, user="project", dbname="postgres")) as session:
        session.autocommit = True
        if request.param == "psycopg":
            session.prepare_threshold = None
        yield session


def test_a_borrowed_session_reads_the_same_and_stays_as_it_was(
    session: Any, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    observer = PostgresqlObserver(address, "postgres")
    cursor = session.cursor()
    cursor.execute("SET TimeZone = 'Asia/Tokyo'; SET statement_timeout = 1; SET DateStyle = 'SQL'")
    own = observer.survey()
    # From here on, only the borrowed session can be used.
    monkeypatch.setattr("ctest_containers.backends.postgresql.observer.admin_cursor", None)

    assert observer.survey(None, session) == own
    assert observer.survey(["shop"], session) == {"shop": own["shop"]}
    assert own["shop"].count == 1
    assert own["empty"] == NO_ROWS
    assert not session.info.transaction_status
    cursor.execute("SELECT current_setting('TimeZone'), current_setting('statement_timeout')")
    assert cursor.fetchone() == ("Asia/Tokyo", "1ms")


def test_a_session_in_a_transaction_is_not_borrowed(session: Any, address: Address) -> None:
    observer = PostgresqlObserver(address, "postgres")
    cursor = session.cursor()
    cursor.execute("BEGIN; CREATE TABLE uncommitted (id int)")

    assert "uncommitted" not in observer.survey(None, session)
    cursor.execute("SELECT 1 FROM uncommitted")
    cursor.execute("ROLLBACK")


def test_a_dropped_table_is_missed(session: Any, address: Address) -> None:
    observer = PostgresqlObserver(address, "postgres")
    cursor = session.cursor()
    cursor.execute("CREATE TABLE dropped (id int)")
    assert "dropped" in observer.survey(None, session)
    cursor.execute("DROP TABLE dropped")

    assert observer.survey(["dropped"], session) == {}
    assert not session.info.transaction_status


def test_a_session_that_may_not_see_everything_is_not_borrowed(
    session: Any, address: Address
) -> None:
    observer = PostgresqlObserver(address, "postgres")
    known = observer.survey(["secured"])
    session.cursor().execute("SET ROLE limited")

    assert known["secured"].count == 1
    assert observer.survey(["secured"], session) == known
