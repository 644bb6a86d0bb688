"""What SQL statements touch."""

from __future__ import annotations

import pytest

from ctest_containers.statements.touched import StatementKind, touched


@pytest.mark.parametrize(
    ("vendor", "sql", "read", "written"),
    [
        ("postgresql", 'SELECT 1 FROM "s"."a", ONLY b AS c LEFT JOIN d USING (id)', "a b d", ""),
        ("postgresql", "SELECT EXTRACT(YEAR FROM x), TRIM(BOTH ' ' FROM y) FROM a", "a", ""),
        ("postgresql", "SELECT a IS NOT DISTINCT FROM b FROM c", "c", ""),
        ("postgresql", "SELECT 1 FROM (a JOIN b ON TRUE) AS c, LATERAL (SELECT c.x) d", "a b", ""),
        ("postgresql", "SELECT 1 FROM generate_series(1, 2) AS a, unnest(%s) b(c)", "", ""),
        ("postgresql", "SELECT 1 FROM a FOR UPDATE OF a, b SKIP LOCKED", "a", ""),
        ("postgresql", "WITH a AS (SELECT 1 FROM b), c AS (SELECT 1 FROM a) TABLE c", "b", ""),
        ("postgresql", "WITH a AS (SELECT 1 FROM a) SELECT 1 FROM a", "a", ""),
        ("postgresql", "WITH RECURSIVE a AS (SELECT 1 UNION TABLE a) SELECT 1 FROM a", "", ""),
        ("postgresql", "WITH a AS (DELETE FROM b RETURNING *) INSERT INTO c TABLE a", "", "b c"),
        ("postgresql", "WITH a AS (SELECT 1) UPDATE a SET x = 1", "", "a"),
        ("postgresql", "UPDATE ONLY a AS b SET x = (SELECT 1 FROM c) FROM d", "c d", "a"),
        ("postgresql", "DELETE FROM a USING b, c WHERE a.x IN (SELECT 1 FROM d)", "b c d", "a"),
        ("postgresql", "MERGE INTO a USING b ON TRUE WHEN MATCHED THEN DELETE", "b", "a"),
        ("postgresql", "INSERT INTO a (x) VALUES (1) ON CONFLICT DO UPDATE SET x = 2", "", "a"),
        ("postgresql", "DECLARE c CURSOR FOR SELECT 1 FROM a", "a", ""),
        ("postgresql", "EXPLAIN (ANALYZE) SELECT 1 FROM a", "a", ""),
        ("postgresql", "TRUNCATE TABLE a, b RESTART IDENTITY", "", "a b"),
        ("postgresql", "COPY a (x) FROM STDIN", "", "a"),
        ("postgresql", "SELECT 1 FROM a; DELETE FROM b", "a", "b"),
        ("postgresql", 'CREATE INDEX "i" ON "a" ("x")', "", "a"),
        ("mysql", "UPDATE `a` INNER JOIN `b` ON a.x = b.x SET a.y = 1", "", "a b"),
        ("mysql", "DELETE a FROM a INNER JOIN b ON a.x = b.x", "", "a b"),
        ("mysql", "INSERT IGNORE a SET x = 1", "", "a"),
        ("mysql", "REPLACE INTO a SELECT STRAIGHT_JOIN x FROM b STRAIGHT_JOIN c", "b c", "a"),
        ("mysql", "SELECT 1 FROM a USE INDEX FOR JOIN (i), b PARTITION (p) c", "a b", ""),
        ("mysql", "SELECT REPLACE(x, 'a', 'b'), INSERT(x, 1, 2, 'c') FROM a", "a", ""),
        ("mysql", "SELECT 1 FROM a LOCK IN SHARE MODE", "a", ""),
        ("sqlite", "INSERT OR REPLACE INTO [a] DEFAULT VALUES", "", "a"),
        ("sqlite", 'DROP TABLE IF EXISTS "a"', "", "a"),
        ("sqlite", "PRAGMA foreign_keys = ON", "", ""),
        ("sqlite", "SAVEPOINT ?", "", ""),
    ],
)
def test_tables_are_found(vendor: str, sql: str, read: str, written: str) -> None:
    result = touched(sql, vendor)

    assert result.read == set(read.split())
    assert result.written == set(written.split())
    assert not result.anything


@pytest.mark.parametrize(
    ("vendor", "sql"),
    [
        ("postgresql", "SELECT ..."),
        ("postgresql", "CALL f()"),
        ("postgresql", "DO ?"),
        ("postgresql", "CREATE VIEW a AS SELECT 1 FROM b"),
        ("postgresql", "CREATE TRIGGER a AFTER UPDATE ON b EXECUTE FUNCTION f()"),
        ("postgresql", "ALTER TABLE a RENAME TO b"),
        ("postgresql", "TRUNCATE a CASCADE"),
        ("postgresql", "SELECT nextval('a')"),
        ("postgresql", "SELECT relname FROM pg_catalog.pg_class"),
        ("mysql", "SELECT * FROM information_schema.tables"),
        ("mysql", 'SELECT 1 FROM "a"'),
        ("mysql", "SHOW CREATE TABLE a"),
        ("mysql", "LOAD DATA INFILE 'a' INTO TABLE b"),
        ("sqlite", "SELECT sql FROM sqlite_master"),
        ("sqlite", "PRAGMA table_info(a)"),
        ("sqlite", "SELECT 1 FROM 'a'"),
        ("sqlite", "ATTACH 'a' AS b"),
        ("sqlite", "SELECT 'not terminated"),
    ],
)
def test_some_statements_may_touch_anything(vendor: str, sql: str) -> None:
    assert touched(sql, vendor).anything


@pytest.mark.parametrize(
    ("sql", "table", "columns"),
    [
        ('SELECT "a"."x", b.y FROM "a" JOIN c AS b ON a.i = b.j', "a", "x i"),
        ('SELECT "a"."x", b.y FROM "a" JOIN c AS b ON a.i = b.j', "c", "y j"),
        ("SELECT x FROM a, b", "b", "x"),
        ("SELECT U0.x FROM a U0 WHERE EXISTS (SELECT 1 FROM b U0 WHERE U0.y)", "b", "x y"),
        ("INSERT INTO a (x, y) SELECT z FROM b", "a", "x y z"),
        (
            "INSERT INTO a (x) VALUES (1) ON CONFLICT (y) DO UPDATE SET z = excluded.w",
            "a",
            "x y z w",
        ),
        ("UPDATE a SET x = b.y FROM b RETURNING a.z", "a", "x z"),
        ("SELECT lock FROM a", "a", "lock"),
        ("SELECT (a.x).y FROM a", "a", "x y"),
    ],
)
def test_columns_are_those_of_the_table_they_are_named_with(
    sql: str, table: str, columns: str
) -> None:
    names = touched(sql, "postgresql").columns[table]

    assert set(columns.split()) <= names
    assert not {"x", "y", "z", "w", "i", "j"}.intersection(names - set(columns.split()))


@pytest.mark.parametrize(
    ("vendor", "sql", "whole"),
    [
        ("postgresql", "SELECT * FROM a, b", "a b"),
        ("postgresql", "SELECT b.* FROM a, b", "b"),
        ("postgresql", "SELECT COUNT(*), a.x * 2, 3 * (4) FROM a", ""),
        ("postgresql", "SELECT COUNT(*) FROM (SELECT * FROM a) b JOIN c ON TRUE", "a"),
        ("postgresql", "SELECT row_to_json(b) FROM a b, c", "a"),
        ("postgresql", "SELECT 1 FROM a NATURAL JOIN b", "a b"),
        ("postgresql", "SELECT b.y FROM a AS b (x, y)", "a"),
        ("postgresql", "INSERT INTO a VALUES (1) RETURNING x", "a"),
        ("postgresql", "INSERT INTO a (x) VALUES (1) RETURNING *", "a"),
        ("postgresql", "INSERT INTO a (x) VALUES (1)", ""),
        ("postgresql", "TABLE a", "a"),
        ("sqlite", 'SELECT x FROM a WHERE y = "z"', ""),
        ("sqlite", 'SELECT x FROM a WHERE y = "?"', "a"),
        ("mysql", 'SELECT x FROM a WHERE y = "z"', "a"),
        ("mysql", "DROP TABLE a", "a"),
    ],
)
def test_every_column_counts_where_a_statement_does_not_name_them(
    vendor: str, sql: str, whole: str
) -> None:
    assert touched(sql, vendor).whole == set(whole.split())


def test_a_statement_is_named_after_what_follows_its_ctes() -> None:
    statement = "WITH a AS (SELECT 1) INSERT INTO b SELECT 1 FROM a"

    assert touched(statement, "postgresql").kind is StatementKind.INSERT
    assert touched(statement, "postgresql").inserted == {"b"}
