"""Finds what else a change of a table or function can reach in a database.

It does so through views, partitions, triggers, functions, and foreign keys that cascade.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from ctest_containers.backends.summary import ANYTHING, SchemaSummary
from ctest_containers.impact.schema import ALL, WRITES, Access, folded

REPLACES: Final = frozenset({Access.DELETE, Access.UPDATE})
"""What removes a key to which other tables refer."""


class SchemaUses:
    """Who uses which table or function, by folded names.

    Args:
        summaries: Those of the database before and after a change: what uses something in either
            can be reached.
    """

    def __init__(self, summaries: Iterable[SchemaSummary]) -> None:
        self._reading: dict[str, set[str]] = defaultdict(set)
        self._firing: dict[str, set[str]] = defaultdict(set)
        self._calling: dict[str, set[str]] = defaultdict(set)
        self._referring: dict[str, set[str]] = defaultdict(set)
        self._cascading: dict[str, set[str]] = defaultdict(set)
        self._implicit: set[str] = set()
        for summary in summaries:
            self._add(summary)

    def _add(self, summary: SchemaSummary) -> None:
        for name, relation in summary.relations.items():
            for used in relation.reads:
                self._reading[folded(used)].add(folded(name))
            for used in relation.fires:
                self._firing[folded(used)].add(folded(name))
            for reference in relation.references:
                self._referring[folded(reference.table)].add(folded(name))
                if reference.cascades:
                    self._cascading[folded(name)].add(folded(reference.table))
        for name, function in summary.functions.items():
            if function.is_implicit:
                self._implicit.add(folded(name))
            for used in () if function.is_of_triggers else function.uses:
                self._calling[folded(used)].add(folded(name))

    def referring(self, table: str) -> list[str]:
        """Return the tables with foreign keys to a table."""
        return sorted(self._referring[folded(table)])

    def following(
        self, name: str, accesses: frozenset[Access]
    ) -> tuple[dict[str, frozenset[Access]], set[str]]:
        """Return the tables and functions that a change of one of them can reach, without itself.

        Args:
            accesses: What statements that the change reaches do with the table.

        Returns:
            The tables, each with what statements do with it, and the functions. An empty name of a
            function stands for those that no statement names.
        """
        reached: dict[str, frozenset[Access]] = {}
        functions: set[str] = set()
        waiting = [(folded(name), accesses)]
        while waiting:
            origin, reaching = waiting.pop()
            for function in self._users(self._calling, origin) - functions:
                functions.add(function)
                waiting.append((function, ALL))
            for table, more in self._next(origin, reaching):
                before = reached.get(table, frozenset())
                if not more <= before:
                    reached[table] = before | more
                    waiting.append((table, reached[table]))
        if not self._implicit.isdisjoint({*functions, folded(name)}):
            functions.add("")
        return reached, functions

    def _next(
        self, name: str, accesses: frozenset[Access]
    ) -> Iterator[tuple[str, frozenset[Access]]]:
        """Yield the tables that a change reaches next, with what statements do there."""
        if Access.READ in accesses:
            for table in self._users(self._reading, name):
                yield table, ALL
        for table in self._users(self._firing, name):
            yield table, WRITES
        if not accesses.isdisjoint(REPLACES):
            for table in self._cascading[name]:
                yield table, REPLACES

    def _users(self, users: dict[str, set[str]], name: str) -> set[str]:
        return users[name] | users[ANYTHING]
