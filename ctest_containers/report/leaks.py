"""The words for what a class has left in a database."""

from __future__ import annotations

from ctest_containers.events import LeakDetected, TableLeak
from ctest_containers.text import plural


def leak_in_words(event: LeakDetected) -> str:
    """Return sentences that name the class, the tables and the suspected tests."""
    tables = ", ".join(f"{leak.table} ({_rows(leak)})" for leak in event.tables)
    text = f"{' or '.join(event.owners)} left changes in the database {event.alias!r}: {tables}."
    return f"{text} Suspected: {', '.join(event.tests)}." if event.tests else text


def _rows(leak: TableLeak) -> str:
    if leak.before is None:
        return f"a new table with {plural(leak.after or 0, 'row')}"
    if leak.after is None:
        return "dropped"
    if leak.after == leak.before:
        return "changed rows"
    more = "more" if leak.after > leak.before else "fewer"
    return plural(abs(leak.after - leak.before), f"{more} row")
