"""Events of what tests leave in databases."""

from __future__ import annotations

from dataclasses import dataclass

from ctest_containers.events.workers import FromWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLeak:
    """The rows of a table before and after a class, as far as they have been committed.

    Attributes:
        before: How many rows it had; None if it did not exist.
        after: How many rows it has; None if it no longer exists. If it has as many as before, they
            are others, or have other values.
    """

    table: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakDetected(FromWorker):
    """A class or a module has left changes in a database that one of its kind should not leave.

    Attributes:
        alias: The first alias of the database.
        owners: The class or module that has left them. If there are several, each may have: until
            the last one, none had sent a query through Django.
        tests: The ids of the tests one of which has probably made the changes; empty if it was a
            fixture, or if there are too many.
        consequence: What `--leaks` demands: `report`, `fail`, or `reset` if the worker gets new
            servers before its next batch.
    """

    worker: int
    alias: str
    owners: tuple[str, ...]
    tables: tuple[TableLeak, ...]
    tests: tuple[str, ...] = ()
    consequence: str = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaksUnseen(FromWorker):
    """A worker cannot see what classes leave in a database, although `--leaks` demands it.

    Attributes:
        reason: Why, as a sentence.
    """

    worker: int
    alias: str
    reason: str
