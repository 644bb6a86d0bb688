"""Words of SQL, in capitals."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STARTS: Final = _words(
    "ALTER ANALYZE BEGIN CALL CLOSE COMMENT COMMIT COPY CREATE DECLARE DELETE DO DROP EXECUTE "
    "EXPLAIN FETCH GRANT INSERT LOAD LOCK MERGE PRAGMA PREPARE RELEASE REPLACE REVOKE ROLLBACK "
    "SAVEPOINT SELECT SET SHOW START TRUNCATE UPDATE USE VACUUM VALUES WITH"
)
"""Words that statements start with."""

NAMING: Final = _words(
    "SAVEPOINT RELEASE ROLLBACK DECLARE CLOSE FETCH MOVE PREPARE EXECUTE DEALLOCATE"
)
"""Words that statements with names of savepoints, cursors and prepared statements start with."""

NOT_NAMED: Final = _words("WORK TRANSACTION CHAIN ALL")
"""Words at the end of such statements that are no names."""

COMPARISONS: Final = _words(
    "= == <> != < > <= >= || IS LIKE GLOB MATCH REGEXP BETWEEN THEN ELSE ESCAPE"
)
"""Operators and words that are often followed by a value."""

BEFORE_NAMES: Final = _words("AS FROM JOIN INTO UPDATE TABLE EXISTS REFERENCES INDEX ON VIEW")
"""Words that are followed by a name."""

QUERIES: Final = _words("SELECT WITH VALUES TABLE")
"""Words that queries start with."""

SPACED: Final = _words(
    "SELECT DISTINCT ALL FROM WHERE AND OR NOT IN EXISTS ANY SOME BETWEEN LIKE ILIKE IS AS ON "
    "USING JOIN INNER LEFT RIGHT FULL OUTER CROSS NATURAL LATERAL GROUP ORDER BY HAVING LIMIT "
    "OFFSET FETCH UNION INTERSECT EXCEPT INSERT INTO VALUES UPDATE SET DELETE RETURNING CASE WHEN "
    "THEN ELSE END WITH RECURSIVE MATERIALIZED OVER PARTITION FILTER WITHIN WINDOW ASC DESC NULLS "
    "CONFLICT DO KEY TABLE PRIMARY UNIQUE CHECK REFERENCES FOREIGN DEFAULT ESCAPE INTERVAL RANGE "
    "ROWS GLOB REGEXP DIV MOD XOR SIMILAR TO FOR OF ADD CONSTRAINT"
)
"""Words that are no names of functions: a parenthesis after them stands apart."""

TOUCHING_NOTHING: Final = _words(
    "BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE END ABORT SET RESET USE CLOSE FETCH MOVE "
    "DISCARD DEALLOCATE LISTEN UNLISTEN NOTIFY UNLOCK KILL CHECKPOINT"
)
"""Words that statements start with that touch no table."""

READ_AS_QUERIES: Final = _words(
    "SELECT INSERT UPDATE DELETE WITH VALUES TABLE REPLACE MERGE TRUNCATE LOCK COPY DECLARE ("
)
"""Words that statements start with whose tables are found by the words before them."""

EXPLAINED: Final = _words("SELECT INSERT UPDATE DELETE WITH VALUES TABLE REPLACE MERGE CREATE CALL")
"""Words that statements start with whose plan can be shown."""

DDL_WORDS: Final = _words("CREATE ALTER DROP COMMENT RENAME REINDEX GRANT REVOKE")
"""Words that statements start with that change definitions."""

DEPENDENT_TABLES: Final = _words("INHERITS INHERIT OF LIKE ATTACH DETACH RENAME CASCADE")
"""Words in DDL because of which it may touch other tables than it names plainly."""

PLAIN_PRAGMAS: Final = _words(
    "FOREIGN_KEYS DEFER_FOREIGN_KEYS FOREIGN_KEY_CHECK LEGACY_ALTER_TABLE SCHEMA_VERSION"
)
"""Settings of SQLite that say nothing about tables.

Django checks foreign keys after each `TestCase`. The rows of a template violate none, and what the
test has changed is known from its other statements.
"""

OPENING_QUERIES: Final = _words(
    "SELECT WITH VALUES TABLE INSERT UPDATE DELETE REPLACE MERGE TRUNCATE LOCK COPY"
)
"""Words that a statement, a subquery or the body of a CTE starts with."""

NOT_BEFORE_UPDATED: Final = _words("FOR KEY DO ON BEFORE AFTER OR OF , THEN")
"""Words before UPDATE if no table follows it."""

MODIFIERS: Final = _words(
    "ONLY LATERAL IF NOT EXISTS LOW_PRIORITY HIGH_PRIORITY DELAYED IGNORE QUICK OR ABORT FAIL "
    "ROLLBACK OVERWRITE CONCURRENTLY TABLES"
)
"""Words that may be between the word that announces a table and its name."""

AFTER_TABLES: Final = _words(
    "WHERE GROUP ORDER HAVING LIMIT OFFSET WINDOW SET RETURNING UNION INTERSECT EXCEPT"
)
"""Words that end a FROM clause."""

RESERVED: Final = _words(
    "SELECT DISTINCT ALL FROM WHERE AND OR NOT IN EXISTS BETWEEN LIKE ILIKE IS AS ON USING JOIN "
    "INNER LEFT RIGHT FULL OUTER CROSS NATURAL GROUP ORDER BY HAVING LIMIT OFFSET UNION "
    "INTERSECT EXCEPT INSERT INTO VALUES UPDATE SET DELETE RETURNING CASE WHEN THEN ELSE END "
    "WITH OVER WINDOW TABLE REFERENCES DEFAULT NULL TRUE FALSE MERGE REPLACE TRUNCATE LOCK COPY "
    "FOR TO STRAIGHT_JOIN ASC DESC CREATE ALTER DROP PRIMARY UNIQUE CHECK CONSTRAINT FOREIGN"
)
"""Words that are no names of tables, aliases or columns unless they are quoted."""

NOT_RESERVED_EVERYWHERE: Final = _words(
    "MERGE REPLACE TRUNCATE LOCK COPY OVER WINDOW OFFSET BY DELETE INSERT UPDATE SET VALUES EXISTS "
    "BETWEEN FOR TO END ASC DESC LIKE ILIKE NATURAL FULL CROSS INNER LEFT RIGHT OUTER ALTER DROP"
)
"""Those of them that are names of columns nevertheless in some dialect."""

LOCKS: Final = _words("UPDATE SHARE NO KEY")
"""Words after FOR in clauses that lock rows."""

CATALOGS: Final = frozenset(
    [
        *("information_schema", "pg_catalog", "performance_schema", "mysql", "sys"),
        *("sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"),
    ]
)
"""Schemas and tables about other tables."""

BY_RELATION_NAME: Final = frozenset(
    [
        *("pg_get_serial_sequence", "nextval", "setval", "currval", "to_regclass", "dblink"),
        *("query_to_xml", "table_to_xml", "pg_relation_size", "pg_table_size"),
        *("pg_total_relation_size", "pragma_table_info", "pragma_table_xinfo"),
        *("pragma_foreign_key_list", "pragma_index_list", "pragma_index_info"),
    ]
)
"""Functions whose arguments name tables, sequences or statements."""
