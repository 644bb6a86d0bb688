"""Notices after each class what it has left in its databases that its kind should not leave."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ctest_containers.backends import VENDORS
from ctest_containers.events import (
    LeakDetected,
    LeaksUnseen,
    OutcomeKind,
    Problem,
    TableLeak,
    TestOutcome,
    WorkerEvent,
)
from ctest_containers.model import Address, Lease
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.connections import raw
from ctest_containers.project.queries import queries_counted
from ctest_containers.report.messages import lines_of
from ctest_containers.workers.watched_database import WatchedDatabase, first_of

FAIL: Final = "fail"

LEAST_PACE: Final = 1000
"""Between two looks that are not necessary, this many times the duration of a look passes."""

MOST_TESTS: Final = 5
"""If more tests than this may have made the changes, their names would not help."""


class LeakWatch:
    """Compares the committed rows of a worker's databases class by class.

    It uses sessions of its own. A look is one query for each database; only if something has been
    committed that the class's kind does not explain, tables are compared.

    Args:
        worker: The worker's number.
        consequence: `report`, `fail` or `reset`; see `LeakDetected`.
        send: Called with the events.
    """

    def __init__(self, worker: int, consequence: str, send: Callable[[WorkerEvent], None]) -> None:
        self._worker = worker
        self._consequence = consequence
        self._send = send
        self._databases: list[WatchedDatabase] = []
        self._places: dict[tuple[Address | None, str], WatchedDatabase] = {}
        self._tables: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        self._kind: type | None = None
        self._is_last = False
        self._queries = 0
        # Since the last poll, and those among which something was committed.
        self._tests: list[str] = []
        self._suspects: list[str] = []
        # The classes since the last comparison.
        self._owners: list[str] = []
        self._polled = 0.0
        self._cost = 0.0

    def lend(self, lease: Lease) -> None:
        """Watch a database that has just been lent, and that no test has used."""
        place = (lease.address, str(lease.settings["NAME"]))
        database = self._places.get(place)
        if database is None:
            try:
                observer = VENDORS[lease.vendor].observe(*place)
                database = WatchedDatabase(lease.alias, observer, partial(raw, lease.alias))
                database.rebase()
            except Exception as error:  # noqa: BLE001  # The tests can run without this.
                self._send(LeaksUnseen(worker=self._worker, alias=lease.alias, reason=str(error)))
                return
            self._places[place] = database
            self._databases.append(database)
        database.aliases.add(lease.alias)

    def rebase(self, alias: str = "") -> None:
        """Accept a database as it is now, or all of them if there is no alias."""
        for database in self._databases:
            if not alias or alias in database.aliases:
                self._tolerant(database.rebase)

    def note_flush(self, alias: str, *, bare: bool) -> None:
        """Note that a test has just flushed a database; it is explained if its kind does this.

        Args:
            bare: Whether the flush did not send `post_migrate`.
        """
        from django.db import connections

        connection: Any = connections[alias]
        database = first_of(self._databases, alias)
        if database is None or not _is_flushing(self._kind) or connection.in_atomic_block:
            return
        tables = self._tables_of(alias)
        self._tolerant(lambda: database.note_flush(tables, bare=bare, is_last=self._is_last))

    def begin_class(self, kind: type) -> None:
        """Note the class whose fixtures and tests follow."""
        if self._owners and (self._is_due() or _declares_databases(kind)):
            # Earlier classes were not worth a look, and must not be confused with this one.
            self._look()
        self._kind = kind
        self._queries = queries_counted()
        self._tests.clear()
        self._suspects.clear()

    def begin_test(self, *, is_last: bool) -> None:
        """Note whether the test that follows is the last of its class."""
        self._is_last = is_last

    def end_fixture(self) -> None:
        """Look whether a class's fixture has committed something, if that takes no time."""
        if self._is_due() and not _is_flushing(self._kind):
            self._poll()

    def end_test(self, test: unittest.TestCase) -> None:
        """The same after a test, so that it may be named."""
        self._tests.append(test.id())
        self.end_fixture()

    def end_class(self) -> None:
        """Compare the databases after a class, and report what it has left there."""
        kind, self._kind = self._kind, None
        if kind is None:
            return
        self._owners.append(f"{kind.__module__}.{kind.__qualname__}")
        has_sent = queries_counted() != self._queries
        if not (has_sent or self._is_due() or _declares_databases(kind)):
            return
        if _is_flushing(kind):
            self._suspects += self._tests
        self._look(cascades=getattr(kind, "available_apps", None) is not None)

    def _look(self, *, cascades: bool = False) -> None:
        self._poll()
        has_compared = True
        for database in self._databases:
            leaks = self._tolerant(lambda: database.compare(cascades=cascades))  # noqa: B023
            has_compared &= leaks is not None
            self._report(database, leaks or [])
        if has_compared:
            self._owners.clear()

    def begin_module(self, name: str) -> None:
        """Accept what `setUpModule` has committed until the module ends."""
        module = sys.modules.get(name)
        if hasattr(module, "setUpModule") or hasattr(module, "tearDownModule"):
            for database in self._databases:
                self._tolerant(database.begin_module)

    def end_module(self, name: str) -> None:
        """Report what the module's fixtures have left."""
        self._owners, owners = [name], self._owners
        self._suspects.clear()
        for database in self._databases:
            leaks = self._tolerant(database.end_module)
            self._report(database, leaks or [])
        self._owners = owners

    def _report(self, database: WatchedDatabase, leaks: list[TableLeak]) -> None:
        if not leaks:
            return
        tests = tuple(dict.fromkeys(self._suspects))
        leak = LeakDetected(
            worker=self._worker,
            alias=database.alias,
            owners=tuple(self._owners),
            tables=tuple(leaks),
            tests=tests if len(tests) <= MOST_TESTS else (),
            consequence=self._consequence,
        )
        self._send(leak)
        if self._consequence == FAIL:
            self._send(_failure(leak))

    def _is_due(self) -> bool:
        return ORIGINALS.monotonic() - self._polled >= LEAST_PACE * self._cost

    def _poll(self) -> None:
        started = ORIGINALS.monotonic()
        polls = [self._tolerant(database.poll) for database in self._databases]
        self._polled = ORIGINALS.monotonic()
        self._cost = self._polled - started
        if any(polls):
            self._suspects += self._tests
        self._tests.clear()

    def _tables_of(self, alias: str) -> frozenset[str]:
        """Return the tables that Django's flush empties now, without a query."""
        from django.apps import apps
        from django.db import connections

        key = alias, frozenset(apps.app_configs)
        tables = self._tables.get(key)
        if tables is None:
            introspection: Any = connections[alias].introspection
            names = introspection.django_table_names(only_existing=False, include_views=False)
            tables = self._tables[key] = frozenset(names)
        return tables

    @staticmethod
    def _tolerant(do: Callable[[], Any]) -> Any:
        """Do something that a lost server or a lock prevents; the next look makes up for it.

        Whatever goes wrong here is no fault of the tests, whose outcomes must not change.
        """
        try:
            return do()
        except Exception:  # noqa: BLE001
            return None


def _declares_databases(kind: type) -> bool:
    return bool(getattr(kind, "databases", None))


def _is_flushing(kind: type | None) -> bool:
    from django.test import TestCase, TransactionTestCase

    return (
        kind is not None
        and issubclass(kind, TransactionTestCase)
        and not issubclass(kind, TestCase)
    )


def _failure(leak: LeakDetected) -> TestOutcome:
    """Return a failure of the class, which fails the run."""
    text = "\n".join(line for _, line in lines_of(leak))
    problem = Problem(
        type_name="DatabaseLeak",
        module="ctest_containers",
        message=text,
        text=f"{text}\n",
        is_failure=True,
    )
    return TestOutcome(
        worker=leak.worker,
        index=None,
        test_id=f"leaks in {leak.alias!r} ({leak.owners[-1]})",
        kind=OutcomeKind.FAILURE,
        problem=problem,
    )
