"""Compares the summaries of two templates' databases.

What differs in one table can reach statements with another: through a view, a trigger, a function,
a partition or a foreign key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ctest_containers.backends.schema import WHOLE, TableRows
from ctest_containers.backends.summary import COMPUTED, UNREAD, Reference, Relation, SchemaSummary
from ctest_containers.impact.schema import ALL, WRITES, Access, SchemaChange, folded
from ctest_containers.impact.schema_uses import REPLACES, SchemaUses

INSERTS: Final = frozenset({Access.INSERT})
SETS: Final = frozenset({Access.INSERT, Access.UPDATE})
"""What sets foreign keys and computed columns."""

DELETES: Final = frozenset({Access.DELETE})
"""What a foreign key of a table without rows concerns: Django looks for rows to delete in it."""

OF_PARTS: Final = {
    # An index can change the order of rows that a query does not sort.
    "index": ALL,
    "policy": ALL,
    "partition": ALL,
    "sequence": INSERTS,
    "trigger": WRITES,
    "constraint": WRITES,
    "foreign key": WRITES,
}
"""What statements that a part of a table concerns do with it, by the kind of the part."""


def schema_changes(recorded: Mapping[str, Any], today: Mapping[str, Any]) -> list[SchemaChange]:
    """Return what differs between the databases of templates.

    Args:
        recorded: Summaries as JSON data, by the aliases of their databases.
        today: The same for the databases that tests would use today.
    """
    changes: list[SchemaChange] = []
    for alias in sorted({*recorded, *today}):
        if recorded.get(alias) == today.get(alias):
            continue
        before, after = (
            SchemaSummary.from_json(summaries.get(alias) or {}) for summaries in (recorded, today)
        )
        if before is None or after is None:
            text = "what the database contained before is not known"
            changes.append(SchemaChange(alias=alias, text=text))
        else:
            changes += _Comparison(alias, before, after).changes()
    return changes


class _Comparison:
    """The comparison of two summaries of a database.

    Args:
        alias: The database's alias.
    """

    def __init__(self, alias: str, before: SchemaSummary, after: SchemaSummary) -> None:
        self._alias = alias
        self._before = before
        self._after = after
        self._uses = SchemaUses((before, after))

    def changes(self) -> list[SchemaChange]:
        """Return all changes, each once."""
        return list(dict.fromkeys(self._all()))

    def _all(self) -> Iterator[SchemaChange]:
        before, after = self._before, self._after
        if before.vendor != after.vendor:
            yield self._everywhere("the database has another vendor")
            return
        for name, change in _changes(before.others, after.others):
            yield self._everywhere(f"the {name} {change}")
        for name, change in _changes(before.functions, after.functions):
            text = f"the function {name} {change}"
            yield SchemaChange(alias=self._alias, text=text, function=folded(name))
            yield from self._following(name, text, ALL)
        for name, change in _changes(before.relations, after.relations):
            yield from self._of_relation(name, change)

    def _of_relation(self, name: str, change: str) -> Iterator[SchemaChange]:
        old = self._before.relations.get(name)
        new = self._after.relations.get(name)
        if old is None or new is None or old.definition != new.definition:
            kind = "table" if (old or new or Relation()).columns else "view"
            yield from self._of_table(name, f"the {kind} {name} {change}", ALL)
        if old is None or new is None:
            for relation in (old, new):
                yield from self._of_references(name, change, relation, ())
            return
        for part, verb in _changes(old.parts, new.parts):
            text = f"the {part} of {name} {verb}"
            known = [
                relation.indexed.get(part) for relation in (old, new) if part in relation.parts
            ]
            columns = {column for columns in known for column in columns or ()}
            if all(known):
                yield from self._of_table(name, text, WRITES, columns)
                continue
            # No kind of part begins with the name of another.
            accesses = next(OF_PARTS[kind] for kind in OF_PARTS if part.startswith(kind))
            yield from self._of_table(name, text, accesses)
        yield from self._of_references(name, "was removed", old, new.references)
        yield from self._of_references(name, "was added", new, old.references)
        yield from self._of_columns(name, old.columns, new.columns)
        yield from self._of_rows(name, old, new)

    def _of_columns(
        self, name: str, old: Mapping[str, str], new: Mapping[str, str]
    ) -> Iterator[SchemaChange]:
        for column, verb in _changes(old, new):
            text = f"the column {column} of {name} {verb}"
            digests = (old.get(column, ""), new.get(column, ""))
            is_computed = any(digest.startswith(COMPUTED) for digest in digests)
            yield from self._of_table(name, text, SETS if is_computed else INSERTS, {column})
        common = [column for column in old if column in new]
        if common != [column for column in new if column in old]:
            text = f"the columns of {name} have another order"
            yield from self._of_table(name, text, INSERTS, ())

    def _of_references(
        self, name: str, change: str, relation: Relation | None, others: Sequence[Reference]
    ) -> Iterator[SchemaChange]:
        """Yield changes of the tables that a table's own foreign keys refer to.

        Args:
            others: The foreign keys that both summaries have.
        """
        accesses = REPLACES if self._has_rows(name) else DELETES
        for reference in () if relation is None else relation.references:
            if reference not in others:
                text = f"a foreign key from {name} to {reference.table} {change}"
                yield from self._of_table(reference.table, text, accesses)

    def _of_rows(self, name: str, old: Relation, new: Relation) -> Iterator[SchemaChange]:
        changed = _changed_columns(old.rows, new.rows)
        if changed is None:
            verb = "may have changed" if UNREAD in {old.rows.count, new.rows.count} else "changed"
            text = f"the rows of {name} {verb}"
            yield from self._of_table(name, text, ALL)
            for child in self._uses.referring(name):
                yield from self._of_table(child, text, SETS)
            # The rows of partitions are only summarized as those of their table.
            for partition in sorted({*old.reads, *new.reads}):
                yield from self._of_table(partition, text, ALL)
            changed = {*old.columns, *new.columns}
        else:
            text = f"the values of {', '.join(sorted(changed))} in {name} changed"
            if changed:
                yield from self._of_table(name, text, INSERTS, changed)
        for reference in (*old.references, *new.references):
            if not changed.isdisjoint(reference.columns):
                yield from self._of_table(reference.table, text, REPLACES)

    def _has_rows(self, name: str) -> bool:
        return any(
            relation.rows.count != 0
            for summary in (self._before, self._after)
            if (relation := summary.relations.get(name)) is not None
        )

    def _of_table(
        self,
        name: str,
        text: str,
        accesses: frozenset[Access],
        columns: Iterable[str] | None = None,
    ) -> Iterator[SchemaChange]:
        """Yield a change of a table, and those that follow.

        Args:
            accesses, columns: See `SchemaChange`.
        """
        yield SchemaChange(
            alias=self._alias,
            text=text,
            table=folded(name),
            accesses=accesses,
            columns=None if columns is None else frozenset(map(str.lower, columns)),
        )
        yield from self._following(name, text, accesses if columns is None else ALL)

    def _following(
        self, name: str, text: str, accesses: frozenset[Access]
    ) -> Iterator[SchemaChange]:
        """Yield what a change of a table or function reaches."""
        tables, functions = self._uses.following(name, accesses)
        for table, more in sorted(tables.items()):
            yield SchemaChange(alias=self._alias, text=text, table=table, accesses=more)
        for function in sorted(functions):
            yield SchemaChange(alias=self._alias, text=text, function=function)

    def _everywhere(self, text: str) -> SchemaChange:
        return SchemaChange(alias=self._alias, text=text)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names whose values differ, each with a verb: `was added`."""
    for name in sorted({*before, *after}):
        if name not in before:
            yield name, "was added"
        elif name not in after:
            yield name, "was removed"
        elif before[name] != after[name]:
            yield name, "changed"


def _changed_columns(before: TableRows, after: TableRows) -> set[str] | None:
    """Return the columns whose values differ; None if rows do, or may."""
    if before.count != after.count or before.key != after.key:
        return None
    common = before.columns.keys() & after.columns.keys()
    changed = {
        name
        for name in common
        if before.columns[name] != after.columns[name]
        and _undated(before, name) != _undated(after, name)
    }
    if before.count and not common:
        return None
    return None if WHOLE in changed or not changed.isdisjoint(before.key) else changed


def _undated(rows: TableRows, name: str) -> str:
    return rows.undated.get(name, rows.columns[name])
