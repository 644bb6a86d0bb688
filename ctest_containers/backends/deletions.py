"""Empties and fills databases in a way that suits every vendor.

Comments about Django describe `django.core.management.commands.flush` and the `sql_flush` of its
backends, in every version from 4.2 on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, Final

from ctest_containers.backends.support import Columns, LeftToDjango, Rows

TABLES_AT_ONCE: Final = 200
"""How many tables one query asks about; SQLite parses no more than 2000 columns."""

DELETE: Final = "DELETE FROM "


class Deletions:
    """Most of `Reset`, for a vendor whose rows Django's flush deletes.

    Attributes:
        triggered: The query for a table with a trigger.
        locking: SQL that makes a query wait for rows that others have inserted and not committed.
    """

    triggered: str
    locking: str = ""

    def clear(self, connection: Any, tables: Sequence[str], *, cascade: bool) -> frozenset[str]:
        """Run those of Django's own statements that have rows to delete."""
        from django.core.management.color import no_style
        from django.db import transaction

        self.refuse_triggers(connection)
        statements = [
            statement.removesuffix(";")
            for statement in connection.ops.sql_flush(
                no_style(), tables, reset_sequences=False, allow_cascade=cascade
            )
        ]
        deletions = [statement for statement in statements if statement.startswith(DELETE)]
        targets = [deletion.removeprefix(DELETE) for deletion in deletions]
        with transaction.atomic(using=connection.alias):
            if targets:
                self.lock(connection, targets[0])
            with_rows = set(filled_quoted(connection, targets, locking=self.locking))
            if with_rows:
                superfluous = {f"{DELETE}{table}" for table in targets if table not in with_rows}
                connection.ops.execute_sql_flush(
                    [statement for statement in statements if statement not in superfluous]
                )
        return frozenset()

    def lock(self, connection: Any, table: str) -> None:
        """Wait for uncommitted changes of other sessions, if queries do not.

        Args:
            table: One of the tables, quoted.
        """

    def refuse_triggers(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.triggered)
            if row := cursor.fetchone():
                raise LeftToDjango(f"the table {row[0]} has a trigger")

    def filled(self, connection: Any, tables: Sequence[str]) -> frozenset[str]:
        names = {connection.ops.quote_name(table): table for table in tables}
        return frozenset(names[quoted] for quoted in filled_quoted(connection, [*names]))

    def insert(self, connection: Any, table: str, columns: Columns, rows: Rows) -> None:
        """See `Reset`; through Django's models this would take ten times as long."""
        row = f"({', '.join(['%s'] * len(columns))})"
        most = connection.features.max_query_params
        size = most // len(columns) if most else len(rows)
        with connection.cursor() as cursor:
            for start in range(0, len(rows), size):
                some = rows[start : start + size]
                cursor.execute(
                    f"{insert_into(connection, table, columns)}"
                    f" VALUES {', '.join([row] * len(some))}",
                    [value for values in some for value in values],
                )

    def without_triggers(self, connection: Any) -> AbstractContextManager[None]:
        del connection
        return nullcontext()


def insert_into(connection: Any, table: str, columns: Columns) -> str:
    """Return the beginning of a statement that inserts rows."""
    quote = connection.ops.quote_name
    return f"INSERT INTO {quote(table)} ({', '.join(quote(name) for name, _ in columns)})"


def filled_quoted(connection: Any, tables: Sequence[str], locking: str = "") -> Iterator[str]:
    """Yield those of these quoted tables that have rows.

    Args:
        locking: See `Deletions`.
    """
    rest = iter(tables)
    with connection.cursor() as cursor:
        while some := list(islice(rest, TABLES_AT_ONCE)):
            asked = ", ".join(f"EXISTS (SELECT 1 FROM {table}{locking})" for table in some)  # noqa: S608
            cursor.execute(f"SELECT {asked}")
            yield from (table for table, has in zip(some, cursor.fetchone(), strict=True) if has)
