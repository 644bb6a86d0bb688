"""Replaces the flush after each TransactionTestCase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from ctest_containers.backends import VENDORS, reset_of
from ctest_containers.backends.support import LeftToDjango
from ctest_containers.events import ResetLeftToDjango
from ctest_containers.limits import FixtureTimedOut
from ctest_containers.project.hooks import import_management
from ctest_containers.reset.baseline import (
    Baseline,
    learn,
    repeat,
)
from ctest_containers.reset.compare import compare, rehearsed
from ctest_containers.reset.receivers import Receiver, foreign_to_migrate, receivers_of_migrate
from ctest_containers.reset.serialized import Rows, read, restore

# Keeps this file out of tracebacks, as Django's own test cases are.
__unittest = True

DJANGO: Final = "django"
COMPARE: Final = "compare"

KEPT_BASELINES: Final = 8
"""How many baselines are kept; older ones belong to settings that tests have overridden."""

Report = Callable[[ResetLeftToDjango], None]


@dataclass(slots=True)
class Flushes:
    """Resets databases to the state that Django's flush leaves, while it is installed.

    Attributes:
        mode: `fast` to reset directly where the result is certain to be Django's, `django` to let
            Django do it, or `compare` to do both and raise an error if the results differ.
        worker: The number of the worker that it is in.
        report: Called once with each reason for leaving a database to Django.
        flushed: Called with each database before it is flushed, and whether `post_migrate` is
            suppressed.
        done: The same after it has been flushed.
    """

    mode: str
    worker: int
    report: Report
    flushed: Callable[[str, bool], None] = lambda _, __: None
    done: Callable[[str, bool], None] = lambda _, __: None
    _baselines: dict[Any, Baseline | None] = field(default_factory=dict)
    _rows: dict[str, Rows] = field(default_factory=dict)
    _in_signal: bool = False
    _reported: set[tuple[str, str]] = field(default_factory=set)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the flushes of TransactionTestCase in this block."""
        from django.core.management.commands import flush
        from django.db.backends.base.creation import BaseDatabaseCreation
        from django.test import testcases

        module: Any = testcases
        creation: Any = BaseDatabaseCreation
        command: Any = flush.Command
        by_command = command.handle
        original, by_objects = module.call_command, creation.deserialize_db_from_string

        def call_command(command: Any, *arguments: Any, **options: Any) -> Any:
            # TransactionTestCase itself never calls it so; the result might differ.
            if command != "flush" or arguments or options.get("reset_sequences", True):
                return original(command, *arguments, **options)
            self.flushed(options["database"], options.get("inhibit_post_migrate", False))
            self._flush(lambda: original(command, **options), **options)
            self.done(options["database"], options.get("inhibit_post_migrate", False))
            return None

        def deserialize(self_: Any, data: str) -> None:
            self._restore(self_.connection, data, lambda: by_objects(self_, data))

        def handle(self_: Any, **options: Any) -> Any:
            self.flushed(options["database"], options.get("inhibit_post_migrate", False))
            result = by_command(self_, **options)
            self.done(options["database"], options.get("inhibit_post_migrate", False))
            return result

        command.handle = handle
        if self.mode != DJANGO:
            module.call_command = call_command
            creation.deserialize_db_from_string = deserialize
        try:
            yield
        finally:
            command.handle = by_command
            module.call_command = original
            creation.deserialize_db_from_string = by_objects

    def _flush(
        self,
        as_django: Callable[[], Any],
        *,
        database: str,
        allow_cascade: bool = False,
        inhibit_post_migrate: bool = False,
        **_: Any,
    ) -> None:
        from django.db import connections

        connection: Any = connections[database]

        def directly() -> None:
            reset = reset_of(connection)
            _check_flush(connection)
            tables = connection.introspection.django_table_names(
                only_existing=True, include_views=False
            )
            triggered = reset.clear(connection, tables, cascade=allow_cascade)
            if tables and not inhibit_post_migrate:
                self._migrated(connection, tables, triggered)

        self._either(connection, directly, as_django)

    def _restore(self, connection: Any, data: str, as_django: Callable[[], Any]) -> None:
        from django.db import router

        def directly() -> None:
            rows = self._rows.get(connection.alias)
            # Routers may decide differently about a row each time.
            if rows is None or rows.data is not data or router.routers:
                rows = self._rows[connection.alias] = read(connection.alias, data)
            restore(connection, rows)

        self._either(connection, directly, as_django)

    def _either(
        self, connection: Any, directly: Callable[[], None], as_django: Callable[[], Any]
    ) -> None:
        """Reset directly if the result is Django's; in `compare` mode, do both and compare."""
        expected = None
        try:
            if connection.in_atomic_block or not connection.get_autocommit():
                raise LeftToDjango("a transaction was left open")
            if self.mode == COMPARE:
                expected = rehearsed(connection, directly)
            else:
                directly()
                return
        except FixtureTimedOut:
            raise
        except Exception as error:  # Django may succeed, whatever failed here.
            if self._in_signal:
                raise
            self._leave(connection.alias, _reason(connection, error))
        finally:
            self._in_signal = False
        as_django()
        if expected is not None:
            compare(connection, expected)

    def _migrated(self, connection: Any, tables: Sequence[str], triggered: frozenset[str]) -> None:
        """Create what the receivers of `post_migrate` create in an empty database."""
        from django.core.management.sql import emit_post_migrate_signal
        from django.db import Error

        import_management()
        alias = connection.alias
        receivers = tuple(receivers_of_migrate())
        key = _key(alias, tables, receivers)
        known = self._baselines.get(key)
        why = next((f"post_migrate calls {name}" for name in foreign_to_migrate(receivers)), "")
        if not why and known is not None:
            try:
                if triggered.isdisjoint(known.tables):
                    repeat(connection, known)
                    return
                why = "a trigger fires for the rows of post_migrate"
            except Error as error:
                why = str(error)
        # Errors of receivers are the project's own.
        self._in_signal = True
        emit_post_migrate_signal(verbosity=0, interactive=False, db=alias)
        self._in_signal = False
        if not why and key not in self._baselines:
            self._baselines[key] = None
            try:
                self._baselines[key] = learn(
                    alias, reset_of(connection).filled(connection, tables), receivers
                )
            except FixtureTimedOut:
                raise
            except Exception as error:  # noqa: BLE001  # The receivers have run by now.
                why = _reason(connection, error)
            while len(self._baselines) > KEPT_BASELINES:
                del self._baselines[next(iter(self._baselines))]
        if why:
            self._leave(alias, why)

    def _leave(self, alias: str, why: str) -> None:
        if why and (alias, why) not in self._reported:
            self._reported.add((alias, why))
            comparing = self.mode == COMPARE
            self.report(
                ResetLeftToDjango(worker=self.worker, alias=alias, reason=why, comparing=comparing)
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Compares an object by its identity."""

    held: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)


def _reason(connection: Any, error: Exception) -> str:
    """Why Django does it, as the end of a sentence."""
    from django.db import Error

    if connection.vendor in VENDORS and VENDORS[connection.vendor].refusal_in(error):
        return "its role is not a superuser"
    return str(error) if isinstance(error, (LeftToDjango, Error)) else repr(error)


def _key(alias: str, tables: Iterable[str], receivers: tuple[Receiver, ...]) -> Any:
    """Everything that decides what Django's receivers of `post_migrate` create."""
    from django.apps import apps
    from django.conf import settings
    from django.db import router
    from django.utils.translation import get_language

    return (
        alias,
        tuple(sorted(tables)),
        tuple(map(_Same, apps.get_models())),
        tuple(map(_Same, router.routers)),
        receivers,
        getattr(settings, "SITE_ID", None),
        # The names of permissions may be translated.
        get_language(),
    )


def _check_flush(connection: Any) -> None:
    """Make sure that this database would be flushed by Django's own code.

    Raises:
        LeftToDjango: The project or the backend replaces it.
    """
    from django.core.management import get_commands

    if get_commands().get("flush") != "django.core":
        raise LeftToDjango("the project has its own flush command")
    own = (
        connection.ops.sql_flush,
        connection.ops.execute_sql_flush,
        connection.introspection.django_table_names,
        connection.introspection.get_table_list,
    )
    for method in own:
        if not method.__module__.startswith("django."):
            raise LeftToDjango(f"{method.__module__} overrides {method.__name__}")
