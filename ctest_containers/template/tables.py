"""Notes which tables migrations touch, so that one with data can follow later ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ctest_containers.backends.relation_locks import (
    OPAQUE,
    Touched,
    commute,
    has_only_rows,
    of_schema,
)
from ctest_containers.backends.support import Locks
from ctest_containers.errors import TemplateError
from ctest_containers.project.migrations import has_data, name_of


class TouchedTables:
    """Notes what each migration touches, and refuses one with data that comes too late.

    Args:
        touched: What the migrations of earlier builds have touched, by their names.
        locks: Knows what a transaction has touched; None if the database cannot say that.

    Attributes:
        touched: What each migration has touched, by its name.
    """

    def __init__(self, touched: Mapping[str, Touched], locks: Locks | None) -> None:
        self.touched = dict(touched)
        self._locks = locks
        self._of_schemas = frozenset[str]() if locks is None else locks.of_schemas
        self._later: dict[str, list[tuple[str, bool]]] = {}
        self._schemas: set[str] = set()
        self._is_asked = False

    @property
    def has_late(self) -> bool:
        """Whether a migration with data is applied after later ones."""
        return any(self._later.values())

    def expect(self, order: list[Any], missing: list[Any]) -> None:
        """Note which migrations will be applied, some of them after later ones.

        Args:
            order: All migrations, in the order of the plan.
            missing: The migrations that will be applied.
            missing: The migrations that will be applied.
        """
        later: list[tuple[str, bool]] = []
        for migration in reversed(order):
            name = name_of((migration.app_label, migration.name))
            if migration not in missing:
                later = [(name, has_data(migration)), *later]
            elif has_data(migration):
                self._later[name] = later
            else:
                self._later[name] = [(other, True) for other, is_data in later if is_data]
                self._schemas.add(name)

    def note_asking(self) -> None:
        """Note that a migration asks for all models: it may depend on any of them."""
        self._is_asked = True

    @contextmanager
    def noting(self, connection: Any, migration: Any) -> Iterator[None]:
        """Note what a migration touches in its transaction, just before that is committed.

        Raises:
            TemplateError: It must be applied before one that is applied already.
        """
        name = name_of((migration.app_label, migration.name))
        locks = self._locks
        if locks is None:
            self._check(name, OPAQUE)
            yield
            return
        self.touched[name] = OPAQUE
        self._is_asked = False
        commit, roll_back = connection.commit, connection.savepoint_rollback
        # A rolled back savepoint releases its locks, and a second transaction is not watched.
        is_whole = migration.atomic

        def roll_back_and_note(sid: Any) -> None:
            nonlocal is_whole
            is_whole = False
            roll_back(sid)

        def look_and_commit() -> None:
            nonlocal is_whole
            with connection.connection.cursor() as cursor:
                if has_data(migration):
                    # Otherwise, foreign keys are checked, and read tables, only after this.
                    cursor.execute(locks.check_now)
                is_seen = is_whole and not connection.run_on_commit
                touched = locks.read_touched(cursor) if is_seen else OPAQUE
            is_whole = False
            if self._is_asked:
                touched = OPAQUE
            self.touched[name] = of_schema(touched, self._of_schemas)
            try:
                self._check(name, touched)
            except TemplateError:
                connection.connection.rollback()
                raise
            commit()

        connection.commit = look_and_commit
        connection.savepoint_rollback = roll_back_and_note
        try:
            yield
        finally:
            del connection.commit, connection.savepoint_rollback

    def _check(self, name: str, touched: Touched) -> None:
        for later, is_data in self._later.get(name, ()):
            other = self.touched.get(later, OPAQUE)
            rows, schema = touched, other
            if name in self._schemas:
                rows, schema, is_data = other, of_schema(touched, self._of_schemas), False  # noqa: PLW2901
            if not has_only_rows(rows) or not commute(rows, schema, has_data=is_data):
                raise TemplateError(
                    f"{name} must be applied before {later}: they may depend on each other."
                )
