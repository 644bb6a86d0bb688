"""Counts the queries that Django sends, invisibly to tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

_sent = itertools.count()
"""Counts every query and every call of `queries_since_last_asked`; `next` is atomic."""

_asked_at = 0
_counted = 0


class CountingWrappers(list[Any]):
    """A connection's `execute_wrappers`, which Django iterates over once for every query.

    So counting adds no frame to the traceback of a query that fails, and the list is equal to the
    one that it replaces.
    """

    def __reversed__(self) -> Iterator[Any]:
        next(_sent)
        return super().__reversed__()


def count_queries(connection: Any) -> None:
    """Count the queries of this connection from now on; idempotent."""
    if not isinstance(connection.execute_wrappers, CountingWrappers):
        connection.execute_wrappers = CountingWrappers(connection.execute_wrappers)


def queries_since_last_asked() -> int:
    """The number of queries of all threads since the last call."""
    global _asked_at, _counted  # One count for the process, as its connections are its own.
    now = next(_sent)
    count = now - _asked_at
    _asked_at, _counted = now + 1, _counted + count
    return count


def queries_counted() -> int:
    """The number of queries that all calls of `queries_since_last_asked` have returned."""
    return _counted
