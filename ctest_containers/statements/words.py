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
