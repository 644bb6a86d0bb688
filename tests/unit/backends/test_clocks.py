"""Statements that write something else each time are known, on every kind of server."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from ctest_containers.backends.clocks import CALLS, WORDS, clock_in, clocks_in_defaults
from ctest_containers.backends.sqlite import SESSION


@pytest.mark.parametrize(
    ("statement", "clock"),
    [
        ("INSERT INTO a VALUES (now())", "now"),
        ("insert into a select clock_timestamp() from b", "clock_timestamp"),
        ("UPDATE a SET b = CURRENT_TIMESTAMP", "current_timestamp"),
        ("UPDATE a SET b = current_date - 1", "current_date"),
        ("INSERT INTO a (b) VALUES (gen_random_uuid())", "gen_random_uuid"),
        ("INSERT INTO a VALUES (UUID ())", "uuid"),
        ("REPLACE INTO a VALUES (RAND())", "rand"),
        ("WITH x AS (SELECT 1) INSERT INTO a SELECT random() FROM x", "random"),
        ("INSERT INTO a VALUES (datetime('now'))", "datetime"),
        ("INSERT INTO a VALUES ('it''s', LOCALTIME)", "localtime"),
        ("\n  UPDATE a\n SET b = UTC_TIMESTAMP()", "utc_timestamp"),
        ("-- seed\nINSERT INTO a VALUES (now())", "now"),
        ("/* it's */ INSERT INTO a VALUES (now())", "now"),
        ("CREATE TABLE a (b int); INSERT INTO a VALUES (now())", "now"),
        ("CREATE TEMP TABLE a AS SELECT current_date", "current_date"),
        ("BEGIN; UPDATE a SET b = now()", "now"),
        ("INSERT INTO a VALUES ('now'::timestamp)", "now"),
        ("INSERT INTO a VALUES (STRFTIME('%s', 'NOW'))", "strftime"),
        ("INSERT INTO a VALUES (unixepoch())", "unixepoch"),
        ("INSERT INTO a VALUES (datetime())", "datetime"),
        ("INSERT INTO a VALUES ('now()')", ""),
        ("INSERT INTO a VALUES (1) -- now()", ""),
        ("INSERT INTO a VALUES (unixepoch('2020-01-01'))", ""),
        ('INSERT INTO a ("current_date") VALUES (%s)', ""),
        ("INSERT INTO a (`localtime`) VALUES (1)", ""),
        ("INSERT INTO a VALUES (date('2020-01-01'))", ""),
        ("SELECT now()", ""),
        ("CREATE TABLE a (b timestamp DEFAULT now())", ""),
        ("UPDATE a SET known = 1", ""),
    ],
)
def test_a_clock_is_found_where_a_statement_writes_rows(statement: str, clock: str) -> None:
    assert clock_in(statement) == clock


def test_each_clock_has_a_word_that_is_looked_for_first() -> None:
    names = {*re.findall(r"[a-z_]{3,}", CALLS.pattern)} - {"current_", "stamp"}

    assert {"now", "uuid_short", "curdate"} < names
    assert [name for name in names if not any(word in name for word in WORDS)] == []


def test_a_default_counts_where_its_table_has_rows() -> None:
    filled = "CREATE TABLE filled (id int, made text DEFAULT CURRENT_TIMESTAMP, b DEFAULT 1)"
    with closing(sqlite3.connect(":memory:")) as connection:
        cursor = connection.cursor()
        cursor.execute(filled)
        cursor.execute("CREATE TABLE empty (id int, made text DEFAULT (datetime('now')))")
        cursor.execute("INSERT INTO filled (id) VALUES (1)")

        found = list(clocks_in_defaults(cursor, SESSION.defaults))

    assert found == ["current_timestamp, the default of filled.made"]
