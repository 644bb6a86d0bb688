"""Runs generated migrations with both ways of rendering, and fails where statements differ.

    python -m harness.generated_migrations ENGINE HISTORIES OPERATIONS [HOST]

It prints, as JSON, how many operations of each kind were compared.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ctest_containers.rendering.on_demand import rendering_on_demand
from harness.databases import generated_database

UNORDERED = frozenset({"AlterField", "RenameField", "RenameModel", "SeparateDatabaseAndState"})
"""Operations in which Django goes through a set of models, in no certain order."""

Statements = list[list[str]]


def main(engine: str, examples: int, operations: int, host: str) -> None:
    """Set Django up on a server, or in memory, and go through the examples."""
    settings.configure(
        SECRET_KEY="of a test",
        USE_TZ=True,
        DATABASES={"default": generated_database(engine, host)},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[],
    )
    django.setup()
    from django.db import connection
    from django.test import utils

    utils.setup_test_environment()
    created = utils.setup_databases(verbosity=0, interactive=False)
    # It is found out with a statement, once.
    _ = connection.features.supports_json_field
    kinds: Counter[str] = Counter()

    @hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32), st.booleans())
    def gives_the_same_statements(seed: int, is_atomic: bool) -> None:  # noqa: FBT001
        history = draw_history(random.Random(seed), operations)
        expected = run(history, is_atomic=is_atomic, on_demand=False)
        actual = run(history, is_atomic=is_atomic, on_demand=True)
        for (label, operation), of_django, of_ours in zip(
            history, expected[0], actual[0], strict=False
        ):
            place = f"{label}: {operation}"
            if type(operation).__name__ in UNORDERED:
                assert sorted(of_ours) == sorted(of_django), place
            else:
                assert of_ours == of_django, place
        assert actual[1:] == expected[1:]
        kinds["failures"] += bool(expected[1])
        kinds.update(type(operation).__name__ for _, operation in history)

    try:
        gives_the_same_statements()
    finally:
        utils.teardown_databases(created, verbosity=0)
    sys.stdout.write(json.dumps(kinds) + "\n")


def compare(engine: str, histories: int, operations: int, host: str = "") -> dict[str, int]:
    """Compare generated histories in a process of their own; see `main`.

    Returns:
        How many operations of each kind have given the same statements both ways.
    """
    return run_comparison(__name__, engine, str(histories), str(operations), host, seconds=300)


def run_comparison(module: str, *arguments: str, seconds: float) -> dict[str, int]:
    """Run a program that compares, and return the counts that it prints last.

    Args:
        seconds: How long it may take.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    kinds: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return kinds


def draw_first() -> list[tuple[str, Any]]:
    """Operations after which models are delayed, each with the label of its app."""
    from django.db.migrations import AlterModelOptions, CreateModel
    from django.db.models import BigAutoField, CharField

    fields: list[tuple[str, Any]] = [
        ("id", BigAutoField(primary_key=True)),
        ("name", CharField(max_length=9)),
    ]
    return [
        ("shop", CreateModel("First", fields)),
        ("shop", AlterModelOptions("First", {"ordering": ["name"]})),
    ]


def draw_history(chance: random.Random, count: int) -> list[tuple[str, Any]]:
    """Operations, each with the label of its app; early ones have models delayed."""
    from harness.random_operations import Operations

    operations = Operations(chance)
    first = draw_first()
    for label, operation in first:
        operation.state_forwards(label, operations.state)
    return first + [operations.draw() for _ in range(chance.randint(1, count))]


def apply(operation: Any, label: str, number: int, state: Any, *, is_atomic: bool) -> Any:
    """Apply an operation as a migration of its own; return the state after it."""
    from django.db import connection
    from django.db.migrations import Migration

    kind = type("Migration", (Migration,), {"operations": [operation], "atomic": is_atomic})
    with connection.schema_editor(atomic=is_atomic) as editor:
        return kind(f"{number:04}", label).apply(state, editor)


def run(
    history: list[tuple[str, Any]], *, is_atomic: bool, on_demand: bool
) -> tuple[Statements, str, list[str]]:
    """Run each operation as a migration, and remove what it has made.

    Returns:
        The statements of each operation, the error that ended it, and what the state is like then.
    """
    from django.db import connection
    from django.db.migrations.state import ProjectState

    state, error = ProjectState(), ""
    statements: Statements = []

    def note(execute: Any, sql: Any, parameters: Any, many: Any, context: Any) -> Any:
        text = re.sub(r'"s\d+_x', '"s_x', str(sql))
        # What is deferred has other empty parameters, and that depends on the order.
        statements[-1].append(f"{text} {parameters or ()!r}")
        return execute(sql, parameters, many, context)

    existing = set(connection.introspection.table_names())
    _ = state.apps
    with rendering_on_demand() if on_demand else nullcontext():
        for number, (label, operation) in enumerate(history):
            statements.append([])
            try:
                with connection.execute_wrapper(note):
                    state = apply(operation, label, number, state, is_atomic=is_atomic)
            except Exception:  # noqa: BLE001  # Django's own way may raise anything.
                error = f"failed at {number}"
                statements.pop()
                break
    drop_tables(connection, existing)
    return statements, error, describe(state)


def describe(state: Any) -> list[str]:
    """A line for each model of a state."""
    return [
        repr((
            key,
            model.name,
            [(name, str(field.deconstruct()[1:])) for name, field in model.fields.items()],
            sorted((name, str(value)) for name, value in model.options.items()),
            [str(base) for base in model.bases],
            [name for name, _ in model.managers],
        ))
        for key, model in state.models.items()
    ]  # fmt: skip


def drop_tables(connection: Any, existing: set[str]) -> None:
    """Remove the tables that were made."""
    tables = [one for one in connection.introspection.table_names() if one not in existing]
    quoted = ", ".join(map(connection.ops.quote_name, tables))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and tables:
            cursor.execute(f"DROP TABLE {quoted} CASCADE")
        elif connection.vendor == "mysql" and tables:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute(f"DROP TABLE {quoted}")
            cursor.execute("SET foreign_key_checks = 1")
        elif tables:
            cursor.execute("PRAGMA foreign_keys = OFF")
            for table in tables:
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}")
            cursor.execute("PRAGMA foreign_keys = ON")
    connection.ops.__dict__.pop("_references_graph", None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), (sys.argv[4:5] or [""])[0])
