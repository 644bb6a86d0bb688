"""What a database of MySQL or MariaDB consists of, in the server's own words."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final

from ctest_containers.backends.catalog import MIGRATION

TRIGGERS: Final = (
    "SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_statement"
    " FROM information_schema.triggers WHERE trigger_schema = %s"
)
ROUTINES: Final = (
    "SELECT routine_name, routine_type, dtd_identifier, is_deterministic, sql_data_access,"
    " routine_definition FROM information_schema.routines WHERE routine_schema = %s"
)
VIEWS: Final = (
    "SELECT table_name, view_definition, check_option, security_type"
    " FROM information_schema.views WHERE table_schema = %s"
)
TABLES: Final = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = %s AND table_type = 'BASE TABLE'"
)
OWN_TABLES: Final = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    " AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    # The excluded engines store no rows of their own.
    " AND engine NOT IN ('CONNECT', 'FEDERATED', 'MRG_MYISAM', 'SPIDER')"
)
EVENTS: Final = (
    "SELECT count(*) FROM information_schema.events"
    " WHERE event_schema = %s AND status = 'ENABLED' AND @@event_scheduler = 'ON'"
)
DATABASE: Final = (
    "SELECT default_character_set_name, default_collation_name"
    " FROM information_schema.schemata WHERE schema_name = %s"
)
COUNTER: Final = re.compile(r" AUTO_INCREMENT=\d+")
QUOTED: Final = re.compile(r"`((?:[^`]|``)+)`")


def read_catalog(cursor: Any, database: str) -> dict[str, str]:
    """What a database consists of: `column shop_product.name`, `key shop_product.PRIMARY`."""
    found: dict[str, str] = {}
    cursor.execute(DATABASE, (database,))
    for said in cursor.fetchall():
        found["database"] = " ".join(map(str, said))
    cursor.execute(TABLES, (database,))
    for (table,) in cursor.fetchall():
        place = f"{quoted(database)}.{quoted(str(table))}"
        cursor.execute(f"SHOW CREATE TABLE {place}")
        found.update(_of_table(str(table), str(cursor.fetchone()[1])))
        if table == "django_migrations":
            cursor.execute(f"SELECT app, name FROM {place}")
            found.update({f"{MIGRATION}{app}.{one}": "applied" for app, one in cursor.fetchall()})
    for kind, query in (("view", VIEWS), ("trigger", TRIGGERS), ("routine", ROUTINES)):
        cursor.execute(query, (database,))
        for name, *said in cursor.fetchall():
            found[f"{kind} {name}"] = " ".join(map(str, said)).replace(f"`{database}`.", "")
    return found


def count_rows(cursor: Any, database: str) -> dict[str, int]:
    """How many rows of its own each table of a database has; empty if events are active."""
    lift_limits(cursor)
    cursor.execute(EVENTS, (database,))
    if cursor.fetchone()[0]:
        return {}
    cursor.execute(OWN_TABLES, (database,))
    tables = [str(table) for (table,) in cursor.fetchall()]
    schema, counts = quoted(database), {}
    for table in tables:
        cursor.execute(f"SELECT count(*) FROM {schema}.{quoted(table)}")
        (counts[f"rows of {table}"],) = cursor.fetchone()
    return counts


def lift_limits(cursor: Any) -> None:
    """Let the cursor's statements take as long as they take, whatever a project has set."""
    import mysql.connector

    # MySQL knows the first, MariaDB the second.
    for name in ("max_execution_time", "max_statement_time"):
        with suppress(mysql.connector.Error):
            cursor.execute(f"SET SESSION {name} = 0")


def quoted(name: str) -> str:
    """A name as statements have it."""
    return "`" + name.replace("`", "``") + "`"


def _of_table(table: str, statement: str) -> dict[str, str]:
    """The lines of CREATE TABLE: columns in their order, keys and constraints in any."""
    _, *lines, options = COUNTER.sub("", statement).splitlines()
    found = {f"table {table}": options.lstrip(") ")}
    place = 0
    for line in lines:
        text = line.strip().rstrip(",")
        quoted = QUOTED.search(text)
        name = quoted[1] if quoted is not None else text.partition(" ")[0]
        if text.startswith("`"):
            place += 1
            found[f"column {table}.{name}"] = f"{place} {text}"
        else:
            kind = "key" if "KEY" in text.partition("`")[0] else "constraint"
            found[f"{kind} {table}.{name}"] = text
    return found
