"""Reads the objects of a MySQL or MariaDB database, as the server describes them."""

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
    """Return a database's objects, such as `key shop_product.PRIMARY`, and their definitions."""
    objects: dict[str, str] = {}
    cursor.execute(DATABASE, (database,))
    for facts in cursor.fetchall():
        objects["database"] = " ".join(map(str, facts))
    cursor.execute(TABLES, (database,))
    for (table,) in cursor.fetchall():
        place = f"{quoted(database)}.{quoted(str(table))}"
        cursor.execute(f"SHOW CREATE TABLE {place}")
        objects.update(objects_of_table(str(table), str(cursor.fetchone()[1])))
        if table == "django_migrations":
            cursor.execute(f"SELECT app, name FROM {place}")
            objects |= {f"{MIGRATION}{app}.{name}": "applied" for app, name in cursor.fetchall()}
    for kind, query in (("view", VIEWS), ("trigger", TRIGGERS), ("routine", ROUTINES)):
        cursor.execute(query, (database,))
        for name, *facts in cursor.fetchall():
            objects[f"{kind} {name}"] = " ".join(map(str, facts)).replace(f"`{database}`.", "")
    return objects


def count_rows(cursor: Any, database: str) -> dict[str, int]:
    """Return the number of each table's own rows in a database; empty if events are active."""
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
    """Remove time limits from the cursor's statements, whatever a project has set."""
    import mysql.connector

    # MySQL knows the first, MariaDB the second.
    for name in ("max_execution_time", "max_statement_time"):
        with suppress(mysql.connector.Error):
            cursor.execute(f"SET SESSION {name} = 0")


def quoted(name: str) -> str:
    """Return a name quoted for statements."""
    return "`" + name.replace("`", "``") + "`"


def objects_of_table(table: str, statement: str) -> dict[str, str]:
    """Return the lines of CREATE TABLE: columns with their positions, keys and constraints."""
    _, *lines, options = COUNTER.sub("", statement).splitlines()
    objects = {f"table {table}": options.lstrip(") ")}
    place = 0
    for line in lines:
        text = line.strip().rstrip(",")
        quoted = QUOTED.search(text)
        name = quoted[1] if quoted is not None else text.partition(" ")[0]
        if text.startswith("`"):
            place += 1
            objects[f"column {table}.{name}"] = f"{place} {text}"
        else:
            kind = "key" if "KEY" in text.partition("`")[0] else "constraint"
            objects[f"{kind} {table}.{name}"] = text
    return objects
