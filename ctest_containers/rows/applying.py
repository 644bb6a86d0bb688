"""Applies a difference to another database with the same schema."""

from __future__ import annotations

from ctest_containers.backends import VENDORS
from ctest_containers.backends.rows import DatabaseLocation, Table
from ctest_containers.errors import UsageError
from ctest_containers.rows.model import DatabaseDifference, TableDifference

HINT = "Build the template from the code that the difference was made with."


def apply(difference: DatabaseDifference, location: DatabaseLocation) -> None:
    """Change the rows and sequences of a database to those of the database after.

    If the database has the rows of the database before, it then has exactly the rows of the
    database after. Neither foreign keys nor triggers react. What `difference.schema` describes is
    not changed, nor are tables whose rows are not listed; see `DatabaseDifference.is_complete`.

    Everything happens in one transaction, except that sequences, and with MySQL the numbers of
    AUTO_INCREMENT, are set after it.

    Raises:
        UsageError: The database has another vendor, or lacks a table or a sequence.
        ServerError: The database cannot be opened, or reports an error.
    """
    if difference.vendor != location.vendor:
        raise UsageError(
            f"A difference between {difference.vendor} databases cannot be applied to a "
            f"{location.vendor} database."
        )
    with VENDORS[location.vendor].open_rows(location, writable=True) as session:
        tables = {table.name: table for table in session.tables()}
        changes = [
            (_matching(tables, change), change) for change in difference.tables if change.is_listed
        ]
        before = session.counters()
        after = {counter.name: counter.after for counter in difference.counters}
        if missing := after.keys() - before.keys():
            raise UsageError(f"The database has no sequence {min(missing)!r}.", HINT)
        with session.changing([table for table, _ in changes]):
            for table, change in changes:
                gone = [*change.removed, *(each.before for each in change.changed)]
                # A template that was built elsewhere may already have a row with the same key.
                session.delete(table, [*gone, *change.added] if table.key else gone)
            for table, change in changes:
                new = [*change.added, *(each.after for each in change.changed)]
                session.insert(table, new)
        # Inserting rows may have changed those that do not differ.
        positions = session.counters()
        for name, position in {**before, **after}.items():
            if positions[name] != position:
                session.set_counter(name, position)


def _matching(tables: dict[str, Table], change: TableDifference) -> Table:
    """Return the database's own table for a table of the difference.

    Raises:
        UsageError: It has none with the same columns and primary key.
    """
    table = tables.get(change.name)
    if table is None or (table.names, table.key) != (change.columns, change.key):
        raise UsageError(
            f"The database has no table {change.name!r} with the columns "
            f"{', '.join(change.columns)}.",
            HINT,
        )
    return table
