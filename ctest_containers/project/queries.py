"""Counts the queries that Django sends, without a trace in what tests can see."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

_sent = itertools.count()
"""One more for every query, and for every time that somebody asks; `next` is atomic."""

_asked_at = 0


class CountingWrappers(list[Any]):
    """A connection's `execute_wrappers`, which Django goes through once for every query.

    So a count costs no frame of its own in the traceback of a query that fails, and the list is
    equal to the one that it replaces.
    """

    def __reversed__(self) -> Iterator[Any]:
        next(_sent)
        return super().__reversed__()


def count_queries(connection: Any) -> None:
    """Count what this connection sends from now on; calling it again changes nothing."""
    if not isinstance(connection.execute_wrappers, CountingWrappers):
        connection.execute_wrappers = CountingWrappers(connection.execute_wrappers)


def queries_since_last_asked() -> int:
    """How many queries this process has sent since the last call, in all threads together."""
    global _asked_at  # One count for the process, as its connections are its own.
    now = next(_sent)
    count, _asked_at = now - _asked_at, now + 1
    return count
