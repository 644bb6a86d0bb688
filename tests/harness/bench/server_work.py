"""What tests have a server do, in a small way: tables, writes, resets, reads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from ctest_containers.model import Address, Vendor
from harness.bench.socket_server import connect

TABLES: Final = 60
WRITES: Final = 300
RESETS: Final = 10
READS: Final = 300
BOOKS: Final = 5000
AUTHORS: Final = 500

NAMES: Final = tuple(f"work_{number:02}" for number in range(TABLES))

DATABASE: Final[Mapping[Vendor, tuple[str, ...]]] = {
    # It has one from its beginning.
    Vendor("postgresql"): (),
    Vendor("mysql"): ("CREATE DATABASE work", "USE work"),
}

# Names are constants here and below.
CLEAR: Final[Mapping[Vendor, tuple[str, ...]]] = {
    Vendor("postgresql"): (f"TRUNCATE {', '.join(NAMES)}",),
    Vendor("mysql"): (
        "SET foreign_key_checks = 0",
        "BEGIN",
        *(f"DELETE FROM {name}" for name in NAMES),  # noqa: S608
        "COMMIT",
        "SET foreign_key_checks = 1",
    ),
}
"""As Django's flush does it."""

READ: Final = (
    "SELECT book.id, book.name, author.name FROM book JOIN author ON author.id = book.author"
    " WHERE author.id = %s ORDER BY book.id"
)


def work(vendor: Vendor, address: Address) -> dict[str, float]:
    """Seconds that each kind of work took a server that was empty."""
    with closing(connect(vendor, address)) as connection, closing(connection.cursor()) as cursor:
        for statement in DATABASE[vendor]:
            cursor.execute(statement)
        return {
            f"{TABLES} tables made": _tables(cursor),
            f"{WRITES} writes": _writes(cursor),
            f"{RESETS} resets": sum(_reset(cursor, vendor) for _ in range(RESETS)),
            f"{READS} reads": _reads(cursor),
        }


def _tables(cursor: Any) -> float:
    """Each with two indexes, and a reference to the one before."""
    began = time.perf_counter()
    for statement in _definitions():
        cursor.execute(statement)
    return time.perf_counter() - began


def _definitions() -> Iterator[str]:
    for number, name in enumerate(NAMES):
        yield (
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL,"
            " amount INTEGER NOT NULL, parent INTEGER,"
            f" FOREIGN KEY (parent) REFERENCES {NAMES[max(0, number - 1)]} (id))"
        )
        yield f"CREATE INDEX {name}_name ON {name} (name)"
        yield f"CREATE INDEX {name}_amount ON {name} (amount)"


def _writes(cursor: Any) -> float:
    """Transactions of a row each, in every table in turn."""
    began = time.perf_counter()
    for number in range(WRITES):
        cursor.execute("BEGIN")
        _insert(cursor, NAMES[number % TABLES], number)
        cursor.execute("COMMIT")
    return time.perf_counter() - began


def _reset(cursor: Any, vendor: Vendor) -> float:
    """Empties all tables; afterwards, and that is not counted, each has a row."""
    began = time.perf_counter()
    for statement in CLEAR[vendor]:
        cursor.execute(statement)
    seconds = time.perf_counter() - began
    cursor.execute("BEGIN")
    for number, name in enumerate(NAMES):
        _insert(cursor, name, number)
    cursor.execute("COMMIT")
    return seconds


def _insert(cursor: Any, table: str, number: int) -> None:
    cursor.execute(
        f"INSERT INTO {table} (id, name, amount) VALUES (%s, %s, %s)",  # noqa: S608
        (number, f"name {number}", number % 7),
    )


def _reads(cursor: Any) -> float:
    """Joins of a large table with a small one, for another row of the latter each time."""
    cursor.execute("CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL)")
    cursor.execute(
        "CREATE TABLE book (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL,"
        " author INTEGER NOT NULL, FOREIGN KEY (author) REFERENCES author (id))"
    )
    cursor.execute("CREATE INDEX book_author ON book (author)")
    authors = ", ".join(f"({number}, 'author {number}')" for number in range(AUTHORS))
    books = ", ".join(f"({one}, 'book {one}', {one % AUTHORS})" for one in range(BOOKS))
    cursor.execute(f"INSERT INTO author VALUES {authors}")  # noqa: S608
    cursor.execute(f"INSERT INTO book VALUES {books}")  # noqa: S608
    began = time.perf_counter()
    for number in range(READS):
        cursor.execute(READ, (number,))
        cursor.fetchall()
    return time.perf_counter() - began
