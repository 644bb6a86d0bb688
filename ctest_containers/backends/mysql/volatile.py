"""Preserves what a stop of MySQL or MariaDB discards: MEMORY tables' rows and SET GLOBAL values.

Both are stored in tables of the server's own schema when a template is built, and restored
whenever a server starts from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

from ctest_containers.backends.mysql.catalog import lift_limits, quoted
from ctest_containers.errors import TemplateError

KEPT: Final = "mysql.ctest_containers_kept"
"""One row for each variable and table; KEPT_<number> has the rows of the table <number>."""

VARIABLE: Final = "variable"
TABLE: Final = "table"

MEMORY_TABLES: Final = (
    "SELECT table_schema, table_name FROM information_schema.tables"
    " WHERE engine = 'MEMORY' AND table_type = 'BASE TABLE' AND table_schema NOT IN"
    " ('information_schema', 'mysql', 'performance_schema', 'sys')"
)
COLUMNS: Final = (
    "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
INSERT_TRIGGERS: Final = (
    "SELECT count(*) FROM information_schema.triggers WHERE event_object_schema = %s"
    " AND event_object_table = %s AND event_manipulation = 'INSERT'"
)

VARIABLES: Final = (
    "SELECT variable_name, variable_value, variable_source = 'DYNAMIC' AND set_user IS NOT NULL"
    " FROM performance_schema.variables_info"
    " JOIN performance_schema.global_variables USING (variable_name) ORDER BY variable_name"
)
"""The name and value of each variable, and whether a client set it, globally or in a session.

https://dev.mysql.com/doc/refman/8.4/en/performance-schema-variables-info-table.html
"""

VARIABLES_OF_MARIADB: Final = (
    "SELECT lower(variable_name) AS name, global_value, global_value_origin = 'SQL'"
    " FROM information_schema.system_variables ORDER BY name"
)
"""See https://mariadb.com/kb/en/information-schema-system_variables-table/."""

NO_SUCH_TABLE: Final = 1146
NEXT_NUMBER: Final = re.compile(r" AUTO_INCREMENT=(\d+)")


def global_values(cursor: Any, *, only_set: bool = False) -> dict[str, str]:
    """Return the values of all global variables.

    Args:
        only_set: Leave out variables that no client has set.
    """
    cursor.execute("SELECT VERSION()")
    on_mariadb = "mariadb" in str(cursor.fetchone()[0]).lower()
    cursor.execute(VARIABLES_OF_MARIADB if on_mariadb else VARIABLES)
    return {
        str(name): "" if value is None else str(value)
        for name, value, is_set in cursor.fetchall()
        if is_set or not only_set
    }


def keep(cursor: Any, initial: Mapping[str, str]) -> None:
    """Store what the next stop would discard.

    Args:
        initial: The values of global variables when the server started.

    Raises:
        TemplateError: Rows of a table cannot be restored unchanged.
    """
    _relax_session(cursor)
    _drop_kept(cursor)
    changed = [
        name
        for name, value in global_values(cursor, only_set=True).items()
        if initial.get(name) != value
    ]
    entries = [(VARIABLE, "", name, json.dumps(_value(cursor, name))) for name in changed]
    cursor.execute(MEMORY_TABLES)
    for schema, table in cursor.fetchall():
        facts = _facts(cursor, str(schema), str(table))
        entries.append((TABLE, str(schema), str(table), json.dumps(facts)))
    if not entries:
        return
    cursor.execute(
        f"CREATE TABLE {KEPT} (number INT PRIMARY KEY, kind VARCHAR(8) NOT NULL,"
        " place VARCHAR(64) NOT NULL, name VARCHAR(64) NOT NULL, value LONGTEXT NOT NULL)"
        " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
    )
    for number, (kind, place, name, value) in enumerate(entries):
        statement = f"INSERT INTO {KEPT} VALUES (%s, %s, %s, %s, %s)"  # noqa: S608  # A constant.
        cursor.execute(statement, (number, kind, place, name, value))
        if kind == TABLE:
            columns = ", ".join(map(quoted, json.loads(value)["columns"]))
            rows = f"SELECT {columns} FROM {quoted(place)}.{quoted(name)}"  # noqa: S608
            cursor.execute(f"CREATE TABLE {KEPT}_{number} ENGINE=InnoDB AS {rows}")


def bring_back(cursor: Any) -> None:
    """Restore what `keep` stored, if anything, in a server that has just started.

    Raises:
        TemplateError: A variable cannot be set to its stored value.
    """
    import mysql.connector

    try:
        cursor.execute(
            f"SELECT number, kind, place, name, value FROM {KEPT} ORDER BY number"  # noqa: S608
        )
    except mysql.connector.Error as error:
        if error.errno == NO_SUCH_TABLE:
            return
        raise
    entries = cursor.fetchall()
    _relax_session(cursor)
    for number, kind, place, name, value in entries:
        if kind == VARIABLE:
            _set(cursor, str(name), json.loads(str(value)))
            continue
        facts = json.loads(str(value))
        table, columns = f"{quoted(place)}.{quoted(name)}", ", ".join(map(quoted, facts["columns"]))
        cursor.execute(
            f"INSERT INTO {table} ({columns})"  # noqa: S608
            f" SELECT {columns} FROM {KEPT}_{number}"
        )
        if facts["next"]:
            cursor.execute(f"ALTER TABLE {table} AUTO_INCREMENT = {facts['next']}")


def _relax_session(cursor: Any) -> None:
    """Remove session limits and SQL modes that would change or refuse copied rows."""
    import mysql.connector

    cursor.execute("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
    cursor.execute("SET SESSION max_heap_table_size = 18446744073709551615")
    lift_limits(cursor)
    # MariaDB has no such variable.
    with suppress(mysql.connector.Error):
        cursor.execute("SET SESSION sql_require_primary_key = OFF")


def _drop_kept(cursor: Any) -> None:
    """Drop what an earlier template stored."""
    cursor.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'mysql' AND table_name LIKE 'ctest\\_containers\\_kept%'"
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP TABLE mysql.{quoted(str(name))}")


def _facts(cursor: Any, schema: str, table: str) -> dict[str, Any]:
    """Return a table's columns, including hidden ones, and its next number or 0."""
    place = f"{quoted(schema)}.{quoted(table)}"
    cursor.execute(COLUMNS, (schema, table))
    columns = [str(name) for (name,) in cursor.fetchall()]
    cursor.execute(INSERT_TRIGGERS, (schema, table))
    (triggers,) = cursor.fetchone()
    cursor.execute(f"SELECT count(*) FROM {place}")  # noqa: S608
    (rows,) = cursor.fetchone()
    if triggers and rows:
        raise TemplateError(
            f"The rows of the MEMORY table {table} cannot be kept in a template: its "
            "INSERT triggers would run again in every server.",
            "Use another storage engine for the table, or run these tests with manage.py test.",
        )
    cursor.execute(f"SHOW CREATE TABLE {place}")
    match = NEXT_NUMBER.search(str(cursor.fetchone()[1]).rpartition("\n) ")[2])
    return {"columns": columns, "next": int(match[1]) if match else 0}


def _value(cursor: Any, name: str) -> Any:
    """Return the complete value of a global variable, as a number if it is one."""
    cursor.execute(f"SELECT @@GLOBAL.{quoted(name)}")
    (value,) = cursor.fetchone()
    return float(value) if isinstance(value, Decimal) else value


def _set(cursor: Any, name: str, value: Any) -> None:
    import mysql.connector

    try:
        cursor.execute(f"SET GLOBAL {quoted(name)} = %s", (value,))
        if (actual := _value(cursor, name)) == value:
            return
        reason = f"its value after SET GLOBAL is {actual!r}"
    except mysql.connector.Error as error:
        reason = str(error)
    raise TemplateError(
        f"The global variable {name}, set to {value!r} by a migration, cannot be set when a "
        f"server starts: {reason}.",
        "Set it with --server-settings instead, or run these tests with manage.py test.",
    )
