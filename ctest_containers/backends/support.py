"""The interface to a vendor, with a server or without.

A vendor's module or package creates one `Support`; `ctest_containers.backends` registers it. Every
field is required, so that the type checker rejects an incomplete vendor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from ctest_containers.backends.api import Backend
from ctest_containers.backends.observing import Observer
from ctest_containers.backends.relation_locks import Touched
from ctest_containers.backends.rows import OpenRows
from ctest_containers.backends.schema import OpenSchema
from ctest_containers.model import Address, Vendor

Positions = Mapping[str, tuple[Any, ...]]
"""The position of each sequence, by its name or that of its table."""


Columns = Sequence[tuple[str, type]]
"""The name and type of each column of some rows, `str` or `int`."""

Rows = Sequence[Sequence[Any]]


class LeftToDjango(Exception):  # noqa: N818  # Not an error: it is always caught.
    """The toolkit's reset may differ from Django's, so Django resets the database.

    The message is the reason; it is empty if the reason does not matter.
    """


class Reset(Protocol):
    """Empties and fills a database, by Django's connection to it."""

    def clear(self, connection: Any, tables: Sequence[str], *, cascade: bool) -> frozenset[str]:
        """Empty the tables that Django's flush would empty.

        Args:
            cascade: Whether tables that refer to these are emptied, too.

        Returns:
            The tables that have triggers, which may decide what is inserted next.

        Raises:
            LeftToDjango: The result may differ from that of Django's flush.
        """

    def refuse_triggers(self, connection: Any) -> None:
        """Check that a database has no triggers but those with which a vendor checks references.

        Raises:
            LeftToDjango: It has such a trigger.
        """

    def filled(self, connection: Any, tables: Sequence[str]) -> frozenset[str]:
        """Return those of these tables that have rows."""

    def insert(self, connection: Any, table: str, columns: Columns, rows: Rows) -> None:
        """Insert rows of strings and integers, in this order."""

    def without_triggers(self, connection: Any) -> AbstractContextManager[None]:
        """Disable triggers within a transaction if that saves time, even those of foreign keys.

        The inserted rows must satisfy the foreign keys.
        """

    def positions(self, connection: Any) -> Positions:
        """Return the position of each sequence of a database."""

    def bring_back(self, connection: Any, before: Positions) -> None:
        """Restore sequences to these positions, after rows with later numbers were deleted."""


class Locks(Protocol):
    """Reads from a transaction's locks what it has touched."""

    of_schemas: frozenset[str]
    """The catalogs that every schema change reads and writes."""

    check_now: str
    """The statement that checks deferred constraints immediately."""

    def read_touched(self, cursor: Any) -> Touched:
        """Return what the current transaction has touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The URLs and environment variables by which other programs than Django find a database.

    Attributes:
        scheme: The scheme of its URL.
        socket_url: The rest of a URL that leads to a server's Unix socket, with the fields `who`,
            `name`, `folder`, `port` and `socket`.
        variables: The environment variables that a vendor's clients read, by the database setting
            that each one carries: HOST, PORT, USER, PASSWORD, NAME. If there is a variable for
            SOCKET, it carries the path of a Unix socket, and the one for HOST `localhost`.
    """

    scheme: str
    socket_url: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuestions:
    """The statements and queries for a database session while migrations run.

    Attributes:
        read_only: The statement that makes a session read-only.
        queries: Their combined results change if a session gains state that a new one would not
            have: settings, temporary tables, locks.
        keeping: Matches a statement that leaves state in a session that the queries do not
            show; None if they show everything.
        keeping_words: Each such statement has at least one of these, in lower case.
        defaults: For each column with a default: its table as statements name it, its name, and
            the default.
    """

    read_only: str
    queries: tuple[str, ...]
    keeping: re.Pattern[str] | None
    keeping_words: tuple[str, ...]
    defaults: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """A vendor.

    Attributes:
        vendor: Its name, as in Django's `connection.vendor`.
        title: Its name for people; both servers if there are two.
        engines: How to install a driver for each `ENGINE` that settings may name.
        drivers: The modules of its drivers, each with the distributions that may contain it.
        clients: How other programs than Django find a database.
        session: The queries for a session while migrations run.
        reset: Empties and fills databases between tests.
        locks: Reads what a transaction has touched; None if the vendor does not show it.
        open_rows: Connects to a database to read or change its rows.
        open_schema: Connects to a database to summarize it.
        observe: Returns an observer of the database of this name on a server, or without one.
            It raises a ServerError if there can be none.
        refusal_in: Returns the message, on one line, of an error that was raised because a role of
            the project lacks a privilege; empty for any other error, or None.
        server: The interface to its servers; None if it has none.
    """

    vendor: Vendor
    title: str
    engines: Mapping[str, str]
    drivers: Mapping[str, tuple[str, ...]]
    clients: Clients
    session: SessionQuestions
    reset: Reset
    locks: Locks | None
    open_rows: OpenRows
    open_schema: OpenSchema
    observe: Callable[[Address | None, str], Observer]
    refusal_in: Callable[[BaseException | None], str]
    server: Backend | None


def no_refusal(_: BaseException | None) -> str:
    """For vendors whose errors do not distinguish a missing privilege from other mistakes."""
    return ""
