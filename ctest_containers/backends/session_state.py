"""State of a database session that a new session would not have: settings, tables, locks."""

from __future__ import annotations

import re
from typing import Any, Final

from ctest_containers.backends.clocks import TEXT
from ctest_containers.model import Vendor

QUERIES: Final = {
    Vendor.POSTGRESQL: (
        "SELECT name, setting FROM pg_settings WHERE source IN ('client', 'session') ORDER BY name",
        "SELECT current_user, session_user",
        "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() ORDER BY relname",
        """
        SELECT classid, objid FROM pg_locks
        WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY classid, objid
        """,
    ),
    Vendor.MYSQL: (
        """
        SHOW SESSION VARIABLES WHERE variable_name NOT REGEXP
        '^(error_count|external_user|gtid|identity|in_transaction|insert_id|last_|proxy_user|pseudo_'
        '|rand_seed|statement_id|timestamp|warning_count)'
        """,
    ),
    Vendor.SQLITE: (
        "SELECT name FROM sqlite_temp_master WHERE name NOT LIKE 'sqlite%' ORDER BY name",
        "SELECT name FROM pragma_database_list WHERE name <> 'temp' ORDER BY name",
        "PRAGMA recursive_triggers",
        "PRAGMA foreign_keys",
    ),
}
"""What tells of a session, for each vendor."""

KEEPING: Final = {
    Vendor.MYSQL: re.compile(
        r"(?<![@\w])@(?!@)\w | \bCREATE\s+(?:OR\s+REPLACE\s+)?TEMP | \bGET_LOCK\b | \bLOCK\s+TABLE",
        re.IGNORECASE | re.VERBOSE,
    ),
    # Those of Django's schema editor are set back.
    Vendor.SQLITE: re.compile(
        r"\bPRAGMA\s+(?!foreign_key|table_|index_|legacy_alter_table)[\w.]+\s*[=(]", re.IGNORECASE
    ),
}
"""What a statement has that leaves something in a session, where that does not tell of it."""


KEEPING_WORDS: Final = {Vendor.MYSQL: ("@", "temp", "lock"), Vendor.SQLITE: ("pragma",)}
"""Parts of these, at least one of which is in each."""


def session_state(cursor: Any, vendor: Vendor) -> str:
    """A text that changes if the session gets something of its own."""
    found = []
    for query in QUERIES[vendor]:
        cursor.execute(query)
        found.append(repr([tuple(row) for row in cursor.fetchall()]))
    return "\n".join(found)


def keeps_something(statement: str, vendor: Vendor) -> bool:
    """Whether a statement leaves something in its session that `session_state` may not see."""
    text = statement.lower()
    # Most statements of migrations have none, and are long.
    if not any(word in text for word in KEEPING_WORDS[vendor]):
        return False
    pattern = KEEPING[vendor]
    return bool(pattern.search(statement) and pattern.search(TEXT.sub("''", statement)))
