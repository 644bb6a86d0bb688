"""Compares two builds of a template: their statements, catalogs and rows."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final
from uuid import UUID

from ctest_containers.backends.catalog import Catalog
from ctest_containers.backends.catalog import differences as catalog_differences

VARYING: Final = re.compile(
    # Times, and today's date.
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?([.,]\d+)?)?([+-]\d\d:?\d\d|Z)?"
    r"|datetime\.\w+\([^)]*\)+"
    # Random numbers, and passwords with random salts.
    r"|\b[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\b"
    r"|(pbkdf2_|scrypt|argon2|bcrypt|md5)[\w$+/=.,]*\$[\w$+/=.,]+"
    # Names of savepoints.
    r"|\bs\d+_x\d+\b"
    # Addresses of objects.
    r"|(?<= at )0x[0-9a-f]+"
)
"""Values that differ in every build."""

LIMIT: Final = 20
"""The most differences to list."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A record of a build, without values that differ in every build.

    Attributes:
        statements: The statements of each migration, and their counts; by alias and migration.
        catalogs: The catalog of each database, by alias.
        rows: The number of rows of each table and their digest; by alias and table.
    """

    statements: Mapping[str, Mapping[str, int]]
    catalogs: Mapping[str, Catalog]
    rows: Mapping[str, tuple[int, str]]


class Transcriber:
    """Records the statements of migrations."""

    def __init__(self) -> None:
        self._statements: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._migration = ""

    @contextmanager
    def watching(self, connections: Iterable[Any]) -> Iterator[None]:
        """Record the statements of these connections in this block."""
        from django.db.migrations.executor import MigrationExecutor

        apply = MigrationExecutor.apply_migration

        def apply_migration(executor: Any, state: Any, migration: Any, **options: Any) -> Any:
            self._migration = f"{migration.app_label}.{migration.name}"
            result = apply(executor, state, migration, **options)
            self._migration = ""
            return result

        def note(
            execute: Callable[..., Any], sql: Any, parameters: Any, many: Any, context: Any
        ) -> Any:
            if self._migration:
                migration = f"{context['connection'].alias}: {self._migration}"
                self._statements[migration][_statement(str(sql), parameters)] += 1
            return execute(sql, parameters, many, context)

        with ExitStack() as undo:
            undo.callback(setattr, MigrationExecutor, "apply_migration", apply)
            setattr(MigrationExecutor, "apply_migration", apply_migration)  # noqa: B010  # mypy knows it as a method.
            for connection in connections:
                undo.enter_context(connection.execute_wrapper(note))
            yield

    def transcript(self, catalogs: Mapping[str, Catalog], connections: Iterable[Any]) -> Transcript:
        """The transcript at the end of a build.

        Args:
            connections: One to each database.
        """
        rows = {
            f"{connection.alias}: {table}": _rows(connection, table)
            for connection in connections
            for table in connection.introspection.table_names()
        }
        statements = {migration: dict(counts) for migration, counts in self._statements.items()}
        return Transcript(statements, dict(catalogs), rows)


def differences(expected: Transcript, actual: Transcript) -> list[str]:
    """A line for each difference, at most LIMIT."""
    return [line for _, line in zip(range(LIMIT), _differences(expected, actual), strict=False)]


def _differences(expected: Transcript, actual: Transcript) -> Iterator[str]:
    for migration in sorted({*expected.statements, *actual.statements}):
        before = Counter(expected.statements.get(migration, {}))
        after = Counter(actual.statements.get(migration, {}))
        yield from (f"{migration}: only with Django: {sql}" for sql in before - after)
        yield from (f"{migration}: only on demand: {sql}" for sql in after - before)
    yield from catalog_differences(expected.catalogs, actual.catalogs)
    for table in sorted({*expected.rows, *actual.rows}):
        nothing = (0, "")
        count, digest = expected.rows.get(table, nothing)
        other_count, other_digest = actual.rows.get(table, nothing)
        if count != other_count:
            yield f"{table}: {count} rows with Django, {other_count} on demand"
        elif digest != other_digest:
            yield f"{table}: the rows have other values"


def _statement(sql: str, parameters: Any) -> str:
    """A statement with a digest of its parameters, which may be secrets."""
    text = VARYING.sub("?", sql)
    if not parameters:
        return text
    digest = hashlib.sha256(repr(_value(parameters)).encode("utf-8", "replace")).hexdigest()
    return f"{text} (parameters {digest[:8]})"


def _rows(connection: Any, table: str) -> tuple[int, str]:
    """The number of a table's rows, and a digest that ignores their order."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  # Quoted.
        rows = sorted(repr([_value(value) for value in row]) for row in cursor.fetchall())
    return len(rows), hashlib.sha256("\n".join(rows).encode("utf-8", "replace")).hexdigest()


def _value(value: Any) -> Any:
    if isinstance(value, (date, time, timedelta, UUID)):
        return "?"
    if isinstance(value, memoryview):
        return value.tobytes()
    if isinstance(value, (list, tuple)):
        return [_value(part) for part in value]
    if isinstance(value, Mapping):
        return {name: _value(part) for name, part in value.items()}
    # psycopg2 wraps what it sends.
    value = getattr(value, "adapted", value)
    return value if isinstance(value, (bytes, int, float)) else VARYING.sub("?", str(value))
