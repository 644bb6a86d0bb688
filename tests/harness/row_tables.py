"""Tables with a column of every type, and what a test might do to their rows."""

from __future__ import annotations

import io
from typing import Any, Final

POSTGRESQL: Final = (
    "CREATE EXTENSION citext",
    "CREATE EXTENSION hstore",
    "CREATE SCHEMA side",
    "CREATE TYPE side.mood AS ENUM ('sad', 'it''s \"fine\"')",
    "CREATE DOMAIN side.small AS numeric(4,1) CHECK (VALUE < 900)",
    "CREATE TYPE side.pair AS (a int, b text)",
    """CREATE TABLE every (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        truth boolean, tiny smallint, whole integer, big bigint, real4 real, real8 double precision,
        amount numeric(12, 3), free numeric, cash money, word varchar(20), fixed char(6), body text,
        "odd ""name"" 50%" text, data bytea, day date, clock time, zoned timetz, moment timestamp,
        stamp timestamptz, span interval, document json, tree jsonb, key uuid, host inet, net cidr,
        hardware macaddr, mask bit(5), flags varbit(9), ints integer[], texts text[], grid int[][],
        ints_range int4range, amounts numrange, days daterange, moments tstzrange,
        many int4multirange, folded citext, pairs hstore, vector tsvector, search tsquery,
        spot point, area polygon, page xml, mood side.mood, moods side.mood[], small side.small,
        pair side.pair, class regclass, letter "char", title name,
        twice integer GENERATED ALWAYS AS (whole * 2) STORED
    )""",
    "CREATE TABLE side.log (at timestamptz, line text, score double precision, document json)",
    "CREATE TABLE pairs (a int, b text, swapped int UNIQUE, PRIMARY KEY (b, a))",
    "CREATE TABLE tree (id serial PRIMARY KEY, parent int NOT NULL REFERENCES tree)",
    "CREATE TABLE hen (id int PRIMARY KEY, egg int NOT NULL)",
    "CREATE TABLE egg (id int PRIMARY KEY, hen int NOT NULL REFERENCES hen ON DELETE CASCADE)",
    (
        "ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg ON DELETE CASCADE"
        " DEFERRABLE INITIALLY DEFERRED"
    ),
    (
        "CREATE TABLE parted (id int, part int, note text, PRIMARY KEY (id, part))"
        " PARTITION BY LIST (part)"
    ),
    "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1)",
    "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2)",
    "CREATE TABLE base (a int)",
    "CREATE TABLE derived (b int) INHERITS (base)",
    "CREATE TABLE fired (who text)",
    (
        "CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO fired VALUES (TG_TABLE_NAME); RETURN coalesce(NEW, OLD); END'"
    ),
    "CREATE TRIGGER fire BEFORE INSERT OR DELETE ON pairs FOR EACH ROW EXECUTE FUNCTION fire()",
    "CREATE TRIGGER fire AFTER INSERT OR DELETE ON parted FOR EACH ROW EXECUTE FUNCTION fire()",
    "ALTER TABLE pairs ENABLE ALWAYS TRIGGER fire",
    "ALTER TABLE parted ENABLE REPLICA TRIGGER fire",
    "CREATE FUNCTION inner_key(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)'",
    (
        "CREATE FUNCTION outer_key(text) RETURNS text IMMUTABLE LANGUAGE plpgsql"
        " AS 'BEGIN RETURN inner_key($1); END'"
    ),
    "CREATE INDEX ON pairs (outer_key(b))",
    "CREATE SEQUENCE side.numbers START 5",
    "INSERT INTO every (body) VALUES (NULL), ('removed')",
    (
        "INSERT INTO side.log VALUES ('2024-01-01 10:00+02', 'twice', 0.1, '{\"a\":1}'),"
        " ('2024-01-01 10:00+02', 'twice', 0.1, '{\"a\":1}'), (NULL, NULL, 'NaN', '{ \"a\": 1}'),"
        " (NULL, NULL, 'NaN', '{\"a\":1}')"
    ),
    "INSERT INTO pairs VALUES (1, 'x', 10), (2, 'x', 20), (3, 'it''s', 30)",
    "INSERT INTO tree VALUES (1, 1), (2, 1)",
    "BEGIN",
    "INSERT INTO hen VALUES (1, 1)",
    "INSERT INTO egg VALUES (1, 1)",
    "COMMIT",
    "INSERT INTO parted VALUES (1, 1, 'stays'), (2, 1, 'moves'), (3, 2, NULL)",
    "INSERT INTO base VALUES (1)",
    "INSERT INTO derived VALUES (1, 2)",
    "DELETE FROM fired",
)

CHANGES_POSTGRESQL: Final = (
    "DELETE FROM every WHERE body = 'removed'",
    "UPDATE every SET tiny = 7 WHERE id = 1",
    """INSERT INTO every (truth, tiny, whole, big, real4, real8, amount, free, cash, word, fixed,
        body, "odd ""name"" 50%", data, day, clock, zoned, moment, stamp, span, document, tree, key,
        host, net, hardware, mask, flags, ints, texts, grid, ints_range, amounts, days, moments,
        many, folded, pairs, vector, search, spot, area, page, mood, moods, small, pair, class,
        letter, title) VALUES
    (true, -32768, 1073741823, -9223372036854775808, 0.1, 1e-308 / 3, 12.340, 1.000e-30, '-12.34',
        '', 'ab  ', E'tab\\t nl\\n back\\\\ quote'' €😀', '100%s', E'\\\\x00ff27', '0044-03-15 BC',
        '23:59:59.999999', '10:00:00.5+05:30', '2024-02-29 12:00:00.000001',
        '2024-07-01 12:00:00.123456+02', '1 year 2 mons -3 days 04:05:06.7', '{"b": 1.0, "a":[]}',
        '{"b": 1.0, "a": [null, "\\u20ac"]}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '10101', '101', '{1,NULL,-3}',
        ARRAY['a,b', '"q"', NULL, 'NULL', E'\\\\'], '[0:1][2:3]={{1,2},{3,4}}', '[1,5)', '(1.50,)',
        '[2024-01-01,2024-02-01)', '["2024-01-01 00:00+01",)', '{[1,2), [5,7)}', 'MiXed',
        '"a b"=>"1", c=>NULL', 'fat:1A cat:2', 'fat & !cat', '(0.1,1e300)', '((0,0),(1,1),(1,0))',
        '<a b="1">x</a>', 'it''s "fine"', '{sad,"it''s \\"fine\\""}', 12.5, ROW(1, 'x,"y'),
        'public.every', 'z', 'title'),
    (false, 0, 0, 0, 'NaN', '-0', 0, 'NaN', '0', 'x ', '', '', '', '', 'infinity', '24:00',
        '00:00+00', '-infinity', 'infinity', '-00:00:00.000001', 'null', 'null',
        '00000000-0000-0000-0000-000000000000', '::1', '::/0', '00:00:00:00:00:00', '00000', '',
        '{}', '{}', '{}', 'empty', 'empty', 'empty', 'empty', '{}', '', '', '', '', '(-0,0)',
        '((0,0))', '', 'sad', '{}', -0.0, ROW(NULL, NULL), NULL, '', '')""",
    "DELETE FROM side.log WHERE ctid = (SELECT min(ctid) FROM side.log)",
    "DELETE FROM side.log WHERE document::text = '{\"a\":1}' AND line IS NULL",
    "INSERT INTO side.log VALUES (NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL)",
    "UPDATE pairs SET swapped = -swapped",
    "UPDATE pairs SET swapped = 30 - abs(swapped) WHERE a < 3",
    "DELETE FROM pairs WHERE a = 3",
    "INSERT INTO pairs VALUES (3, 'It''s', 30)",
    "DELETE FROM tree",
    "INSERT INTO tree VALUES (3, 4), (4, 3)",
    "BEGIN",
    "INSERT INTO hen VALUES (2, 2)",
    "INSERT INTO egg VALUES (2, 2)",
    "DELETE FROM hen WHERE id = 1",
    "COMMIT",
    "UPDATE parted SET part = 2 WHERE id = 2",
    "DELETE FROM base WHERE a = 1",
    "INSERT INTO derived VALUES (3, 4)",
    "SELECT nextval('side.numbers')",
    "SELECT setval('tree_id_seq', 40, false)",
)

MYSQL: Final = (
    """CREATE TABLE every (
        id bigint unsigned AUTO_INCREMENT PRIMARY KEY,
        truth bool, tiny tinyint, small smallint unsigned, medium mediumint, whole int, big bigint,
        huge bigint unsigned, real4 float, real4b float(7, 3), real8 double, amount decimal(12, 3),
        word varchar(20), latin varchar(20) CHARACTER SET latin1, folded varchar(20) COLLATE
        utf8mb4_bin, fixed char(6), body longtext, `odd ``name`` 50%` text, data longblob,
        bytes varbinary(9), fixed_bytes binary(4), day date, clock time(6), moment datetime(6),
        stamp timestamp(6) NULL, year year, tree json, mask bit(5), wide bit(64),
        label enum('sad', 'it''s'), labels set('a', 'b'), spot point, shape geometry,
        twice int GENERATED ALWAYS AS (whole * 2) VIRTUAL,
        thrice int GENERATED ALWAYS AS (whole * 3) STORED,
        made timestamp DEFAULT '2020-01-01 00:00:01' ON UPDATE CURRENT_TIMESTAMP
    ) CHARACTER SET utf8mb4""",
    "CREATE TABLE log (at datetime, line text, score double, document json, data blob)",
    (
        "CREATE TABLE pairs (a bigint unsigned, b varchar(20), swapped int UNIQUE,"
        " PRIMARY KEY (b, a)) CHARACTER SET utf8mb4"
    ),
    (
        "CREATE TABLE tree (id int AUTO_INCREMENT PRIMARY KEY, parent int NOT NULL,"
        " FOREIGN KEY (parent) REFERENCES tree (id))"
    ),
    "CREATE TABLE hen (id int PRIMARY KEY, egg int NOT NULL)",
    (
        "CREATE TABLE egg (id binary(3) PRIMARY KEY, hen int NOT NULL,"
        " FOREIGN KEY (hen) REFERENCES hen (id) ON DELETE CASCADE)"
    ),
    "CREATE TABLE fired (who text)",
    "CREATE TRIGGER second BEFORE INSERT ON pairs FOR EACH ROW INSERT INTO fired VALUES ('2')",
    (
        "CREATE TRIGGER first BEFORE INSERT ON pairs FOR EACH ROW PRECEDES second"
        " INSERT INTO fired VALUES ('1')"
    ),
    (
        "CREATE TRIGGER gone AFTER DELETE ON pairs FOR EACH ROW"
        " BEGIN INSERT INTO fired VALUES (OLD.b); INSERT INTO fired VALUES ('%s'); END"
    ),
    "INSERT INTO every (body) VALUES (NULL), ('removed')",
    (
        "INSERT INTO log VALUES ('2024-01-01 10:00', 'twice', 0.1, '{\"a\":1}', 'x'),"
        " ('2024-01-01 10:00', 'twice', 0.1, '{\"a\":1}', 'x'),"
        " (NULL, 'A', 0.1, NULL, 'x'), (NULL, 'a', 0.1, NULL, 'x')"
    ),
    (
        "INSERT INTO pairs VALUES (1, 'x', 10), (2, 'x', 20), (18446744073709551615, 'it''s', 30),"
        " (18446744073709551614, 'it''s', 40)"
    ),
    "INSERT INTO tree VALUES (1, 1), (2, 1)",
    "INSERT INTO hen VALUES (1, 1)",
    "INSERT INTO egg VALUES (x'000102', 1)",
    "DELETE FROM fired",
)

CHANGES_MYSQL: Final = (
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
    "SET SESSION time_zone = '+02:00'",
    "DELETE FROM every WHERE body = 'removed'",
    "UPDATE every SET tiny = 7 WHERE id = 1",
    r"""INSERT INTO every (truth, tiny, small, medium, whole, big, huge, real4, real4b, real8,
        amount, word, latin, folded, fixed, body, `odd ``name`` 50%`, data, bytes, fixed_bytes, day,
        clock, moment, stamp, year, tree, mask, wide, label, labels, spot, shape) VALUES
    (1, -128, 65535, -8388608, 715827882, -9223372036854775808, 18446744073709551615, 0.1, 1.1,
        2.2250738585072014e-308, -12.340, '', 'é', 'É', 'ab', 'nul \0 back\\ quote'' €😀', '100%s',
        x'00ff275c', x'', x'01', '2024-02-31', '-838:59:59.5', '2024-02-29 12:00:00.000001',
        '2024-07-01 12:00:00.123456', 1901, '{"b": 1.0, "a": [null, "€", 0.1]}', b'10101',
        18446744073709551615, 'it''s', 'a,b', POINT(0.1, -1e300),
        ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))', 4326)),
    (0, 0, 0, 0, 0, 0, 0, 3.4028235e38, -0.001, 1.7976931348623157e308, 0, 'x ', '', '', '', '', '',
        '', '', '', '0000-00-00', '00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', 0,
        'null', b'0', 0, '', '', POINT(0, 0), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))'))""",
    "INSERT INTO every (id, real8, real4) VALUES (0, 1e0/3, 1e0/3), (90, 0.1 + 2e-17, 16777217)",
    "DELETE FROM log WHERE at IS NOT NULL LIMIT 1",
    "DELETE FROM log WHERE line = BINARY 'a'",
    "INSERT INTO log VALUES (NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL)",
    "UPDATE pairs SET swapped = -swapped",
    "UPDATE pairs SET swapped = 30 - abs(swapped) WHERE a < 3",
    "DELETE FROM pairs WHERE a = 18446744073709551615",
    "INSERT INTO pairs VALUES (18446744073709551615, 'It''s', 30)",
    "SET SESSION foreign_key_checks = 0",
    "DELETE FROM tree",
    "INSERT INTO tree VALUES (3, 4), (4, 3)",
    "DELETE FROM hen",
    "DELETE FROM egg",
    "INSERT INTO hen VALUES (2, 2)",
    "INSERT INTO egg VALUES (x'ff0102', 2)",
    "ALTER TABLE tree AUTO_INCREMENT = 50",
)


CREATE: Final = {"postgresql": POSTGRESQL, "mysql": MYSQL}
CHANGE: Final = {"postgresql": CHANGES_POSTGRESQL, "mysql": CHANGES_MYSQL}


def stored_bytes(vendor: str, cursor: Any, database: str) -> dict[str, object]:
    """What a server has stored for each table, in its own format, whatever the order of rows."""
    if vendor == "mysql":
        cursor.execute(f"USE {database}")
        cursor.execute("SHOW TABLES")
        tables = [table for (table,) in cursor.fetchall()]
        cursor.execute(f"CHECKSUM TABLE {', '.join(tables)} EXTENDED")
        return {name.partition(".")[2]: number for name, number in cursor.fetchall()}
    cursor.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
        " AND relnamespace::regnamespace::text IN ('public', 'side')"
    )
    return {table: _binary_rows(cursor, table) for (table,) in cursor.fetchall()}


def _binary_rows(cursor: Any, table: str) -> list[bytes]:
    """The rows of a table as COPY writes them in binary format, sorted."""
    # Only in these does that format contain numbers that differ between databases.
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attnum > 0"
        " AND attrelid = %s::regclass AND attname NOT IN ('class', 'moods')",
        [table],
    )
    (columns,) = cursor.fetchone()
    cursor.execute(f"SELECT ctid::text FROM ONLY {table}")
    rows = []
    for (place,) in cursor.fetchall():
        target = io.BytesIO()
        query = f"SELECT {columns} FROM ONLY {table} WHERE ctid = '{place}'"
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", target)
        rows.append(target.getvalue())
    return sorted(rows)
