"""What a database should contain, and how it differs from that after a class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ctest_containers.backends.observing import NO_ROWS, Observer, TableState
from ctest_containers.events import TableLeak


@dataclass(slots=True)
class WatchedDatabase:
    """A database whose committed rows are compared class by class.

    Attributes:
        alias: The first of its aliases.
        session: Returns the driver's connection of the tests; None if it is not connected.
        aliases: All of them.
        changed: Whether something has been committed that no comparison has seen.
    """

    alias: str
    observer: Observer
    session: Callable[[], Any] = lambda: None
    aliases: set[str] = field(default_factory=set)
    changed: bool = False
    _baseline: dict[str, TableState] = field(default_factory=dict)
    # What the class has flushed, and how many rows its last flush has left there.
    _flushed: set[str] = field(default_factory=set)
    _refilled: Mapping[str, int] = field(default_factory=dict)
    # The tables that may differ after the last flush, if it was the last of the class.
    _unflushed: Mapping[str, TableState] | None = None
    _refills: dict[frozenset[str], Mapping[str, int]] = field(default_factory=dict)
    # The state before `setUpModule`, and the tables whose leaks have been reported since then.
    _before_module: dict[str, TableState] | None = None
    _reported: set[str] = field(default_factory=set)

    def rebase(self) -> None:
        """Accept the database as it is now.

        Raises:
            ServerError: It cannot be read.
        """
        self.observer.has_changed()
        self._baseline = dict(self._survey())
        self.changed = False
        self._flushed.clear()
        self._unflushed = None

    def poll(self) -> bool:
        """Return whether something has been committed since the last call.

        Raises:
            ServerError: The server does not answer.
        """
        has_changed = self.observer.has_changed()
        self.changed |= has_changed
        return has_changed

    def note_flush(self, tables: frozenset[str], *, bare: bool, is_last: bool = False) -> None:
        """Note that the class has just flushed tables, as its kind does.

        Only the first time, the rows are counted that receivers of `post_migrate` have created.

        Args:
            bare: Whether the flush did not send `post_migrate`.
            is_last: Whether it is probably the last of the class. The tests' session, which ends
                soon, then reads the tables that the next comparison needs.

        Raises:
            ServerError: The database cannot be read.
        """
        self._unflushed = None
        self.observer.has_changed()
        refilled = {} if bare else self._refills.get(tables)
        if refilled is None:
            states = self._survey(tables)
            refilled = {name: state.count for name, state in states.items() if state.count}
            self._refills[tables] = refilled
        self.changed = False
        self._flushed |= tables
        self._refilled = refilled
        if is_last:
            self._unflushed = self._survey(self._names_after_flush())

    def compare(self, *, cascades: bool = False) -> list[TableLeak]:
        """Return what has changed since the last comparison, apart from flushes, and accept it.

        Nothing is read if the last poll has found no change.

        Args:
            cascades: Whether flushes also empty tables that refer to the flushed ones.

        Raises:
            ServerError: The database cannot be read; the next comparison will see the changes.
        """
        flushed = self._flushed
        if not self.changed and not flushed:
            return []
        if self.changed:
            states = dict(self._survey())
            names = {*states, *self._baseline}
        else:
            # Since the flush, nothing has been committed, so only other tables can differ.
            names = self._names_after_flush()
            states = dict(self._survey(names) if self._unflushed is None else self._unflushed)
        accepted = dict.fromkeys(flushed & self._baseline.keys(), NO_ROWS)
        leaks = []
        for name in sorted(names):
            before, after = self._baseline.get(name), states.get(name)
            if name in flushed and after is not None:
                before = TableState(self._refilled.get(name, 0), "")
                is_explained = not self.changed or after.count == before.count
            else:
                is_explained = cascades and bool(flushed) and after == NO_ROWS
            if is_explained and after is not None:
                accepted[name] = after
            elif after != before:
                leaks.append(_leak(name, before, after))
        if self._before_module is not None:
            self._before_module.update(accepted)
        self._baseline = {**self._baseline, **accepted, **states}
        for name in names - states.keys():
            self._baseline.pop(name, None)
        self._reported.update(leak.table for leak in leaks)
        self.changed = False
        self._flushed = set()
        self._unflushed = None
        return leaks

    def _names_after_flush(self) -> set[str]:
        return (self._baseline.keys() - self._flushed) | self._refilled.keys()

    def _survey(self, tables: Collection[str] | None = None) -> Mapping[str, TableState]:
        return self.observer.survey(tables, self.session())

    def begin_module(self) -> None:
        """Accept the rows of `setUpModule` until the module ends.

        Raises:
            ServerError: The database cannot be read.
        """
        before = dict(self._baseline)
        self._reported.clear()
        if self.poll() or self.changed:
            self.rebase()
        self._before_module = before

    def end_module(self) -> list[TableLeak]:
        """Return what `setUpModule` and `tearDownModule` have left together.

        Raises:
            ServerError: The database cannot be read.
        """
        before, self._before_module = self._before_module, None
        if before is None:
            return []
        if self.poll() or self.changed:
            self.rebase()
        return [
            leak
            for leak in _differences(before, self._baseline)
            if leak.table not in self._reported
        ]


def _differences(
    before: Mapping[str, TableState], after: Mapping[str, TableState]
) -> Iterator[TableLeak]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield _leak(name, before.get(name), after.get(name))


def _leak(name: str, before: TableState | None, after: TableState | None) -> TableLeak:
    return TableLeak(
        table=name,
        before=None if before is None else before.count,
        after=None if after is None else after.count,
    )


def first_of(databases: Collection[WatchedDatabase], alias: str) -> WatchedDatabase | None:
    """Return the database with an alias; None if it is not watched."""
    return next((database for database in databases if alias in database.aliases), None)
