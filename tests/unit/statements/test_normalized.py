"""The texts under which SQL statements are counted."""

from __future__ import annotations

import pytest

from ctest_containers.statements.normalized import normalized


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1, -2.5e3, 'it''s'", "SELECT ?, ?, ?"),
        (
            r"SELECT E'it\'s', N'x', B'01', X'ff', U&'d\0061t', 0x1F, .5",
            "SELECT " + "?, " * 6 + "?",
        ),
        ("SELECT $$a 'b'$$, $tag$ $$ $tag$", "SELECT ?, ?"),
        ("SELECT %s, %(name)s, $1", "SELECT ?, ?, ?"),
        ("SELECT 'a' -- 'secret'\n", "SELECT ?"),
        ("SELECT /* one /* two */ 'three' */ 'a';", "SELECT ?"),
        ("SELECT  a\n\tFROM  t", "SELECT a FROM t"),
        ("SELECT x::varchar(30), d ->> 'k'", "SELECT x::varchar(?), d ->> ?"),
        ("SELECT a WHERE b ?| array['x', 'y']", "SELECT a WHERE b ?| array[?]"),
        ("SELECT DATE '2020-01-01', x = - 1", "SELECT DATE ?, x = ?"),
        ('SELECT a - 1, "b" + 2, (3) - 4', 'SELECT a - ?, "b" + ?, (?) - ?'),
        ('SELECT "a "" b"."1 c", U&"d"', 'SELECT "a "" b"."1 c", U&"d"'),
    ],
)
def test_literals_and_comments_of_postgresql_are_left_out(sql: str, expected: str) -> None:
    assert normalized(sql, "postgresql") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (r"SELECT 'it\'s', 'a''b', _utf8mb4'x', 0xff", "SELECT ?, ?, _utf8mb4 ?, ?"),
        ("SELECT `a``b`.`c` # 'secret'\nFROM `t`", "SELECT `a``b`.`c` FROM `t`"),
        ("SELECT a--1 -- secret", "SELECT a - ?"),
        ("SELECT /*!40101 STRAIGHT_JOIN */ a /*+ hint(1) */", "SELECT STRAIGHT_JOIN a"),
        ("SELECT @user, @@session.sql_mode", "SELECT @user, @@session.sql_mode"),
    ],
)
def test_literals_and_comments_of_mysql_are_left_out(sql: str, expected: str) -> None:
    assert normalized(sql, "mysql") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT x'ff', ?1, :name, @name, $name", "SELECT ?, ?, ?, ?, ?"),
        ('SELECT "a"."b", [c d], `e`', 'SELECT "a"."b", [c d], `e`'),
    ],
)
def test_literals_of_sqlite_are_left_out(sql: str, expected: str) -> None:
    assert normalized(sql, "sqlite") == expected


@pytest.mark.parametrize(
    ("vendor", "sql", "expected"),
    [
        ("mysql", 'SELECT a FROM t WHERE b = "secret"', 'SELECT a FROM t WHERE b = "?"'),
        ("sqlite", 'SELECT a FROM t WHERE b = "secret"', 'SELECT a FROM t WHERE b = "?"'),
        ("sqlite", 'SELECT a FROM t WHERE b IN ("s", "t")', 'SELECT a FROM t WHERE b IN ("?")'),
        ("sqlite", 'INSERT INTO t (a) VALUES ("s")', 'INSERT INTO t(a) VALUES ("?")'),
        ("sqlite", 'SELECT f("not a name")', 'SELECT f("?")'),
        ("sqlite", 'SELECT "a b"."c" AS "d e"', 'SELECT "a b"."c" AS "d e"'),
    ],
)
def test_a_text_in_double_quotes_that_may_be_a_literal_is_left_out(
    vendor: str, sql: str, expected: str
) -> None:
    assert normalized(sql, vendor) == expected


@pytest.mark.parametrize("vendor", ["postgresql", "mysql", "sqlite"])
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a WHERE b IN (%s, %s, %s)", "SELECT a WHERE b IN (?)"),
        ("SELECT a WHERE b NOT IN (1, 'x', NULL)", "SELECT a WHERE b NOT IN (?)"),
        ("SELECT a WHERE (b, c) IN ((1, 2), (3, 4))", "SELECT a WHERE (b, c) IN ((?, ?))"),
        ("SELECT a WHERE b IN (SELECT c, c FROM t)", "SELECT a WHERE b IN (SELECT c, c FROM t)"),
        ("INSERT INTO t (a, b) VALUES (%s, %s), (1, NULL)", "INSERT INTO t(a, b) VALUES (?, ?)"),
        ("INSERT INTO t (a) VALUES (1), (f(2))", "INSERT INTO t(a) VALUES (?), (f(?))"),
        ("SELECT CASE WHEN a IN (1) THEN 2 END", "SELECT CASE WHEN a IN (?) THEN ? END"),
        ("SELECT COUNT(*) FROM t", "SELECT COUNT(*) FROM t"),
    ],
)
def test_lists_of_any_length_are_the_same_statement(vendor: str, sql: str, expected: str) -> None:
    assert normalized(sql, vendor) == expected


def test_long_lists_are_read_like_short_ones() -> None:
    row = "(%s, %s)"
    insert = "INSERT INTO t (a, b) VALUES "

    assert normalized(insert + ", ".join([row] * 1000), "sqlite") == normalized(
        insert + row, "sqlite"
    )


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SAVEPOINT "s139_x1"', "SAVEPOINT ?"),
        ('RELEASE SAVEPOINT "s139_x1"', "RELEASE SAVEPOINT ?"),
        ('ROLLBACK TO SAVEPOINT "s139_x1"', "ROLLBACK TO SAVEPOINT ?"),
        ("ROLLBACK", "ROLLBACK"),
        ('DECLARE "_django_curs_1_sync_2" CURSOR FOR SELECT 1', "DECLARE ? CURSOR FOR SELECT ?"),
        ('FETCH FORWARD 10 FROM "_django_curs_1_sync_2"', "FETCH FORWARD ? FROM ?"),
        ("CLOSE ALL", "CLOSE ALL"),
        ("EXECUTE plan7 ('x')", "EXECUTE ? (?)"),
    ],
)
def test_generated_names_are_left_out(sql: str, expected: str) -> None:
    assert normalized(sql, "postgresql") == expected


@pytest.mark.parametrize("vendor", ["postgresql", "mysql", "sqlite", "oracle"])
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 'secret", "SELECT ..."),
        ("(select 1 /* secret", "select ..."),
        ("secret 'secret", "..."),
        ("SELECT \\ secret", "SELECT ..."),
        ("", ""),
    ],
)
def test_only_the_keyword_of_an_unreadable_statement_remains(
    vendor: str, sql: str, expected: str
) -> None:
    assert normalized(sql, vendor) == expected
