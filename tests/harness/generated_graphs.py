"""Runs generated graphs of migrations with both ways of rendering, and compares what they do.

    python -m harness.generated_graphs ENGINE GRAPHS OPERATIONS [HOST]

Migrations depend on each other, or say that they run before others; some replace others, and what
is elidable is left out then. The model of users is swapped. It prints, as JSON, how many migrations
of each kind were compared.
"""

from __future__ import annotations

import importlib
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
from django.conf import settings

from ctest_containers.rendering.on_demand import rendering_on_demand
from harness.databases import generated_database
from harness.generated_migrations import (
    UNORDERED,
    describe,
    draw_history,
    drop_tables,
    run_comparison,
)

USERS = """
from django.db import models

class First(models.Model):
    name = models.CharField(max_length=9)
"""

LABELS = ("shop", "stock")


@dataclass(slots=True)
class Node:
    """A migration that is to be written.

    Attributes:
        key: The label of its app, and its name.
    """

    key: tuple[str, str]
    operations: list[Any]
    dependencies: list[tuple[str, str]]
    run_before: list[tuple[str, str]] = field(default_factory=list)
    replaces: list[tuple[str, str]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What is special about it."""
        return "squashed" if self.replaces else "run before" if self.run_before else "plain"


def main(engine: str, graphs: int, operations: int, host: str) -> None:
    """Set Django up on a server, or in memory, and go through the graphs."""
    with TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        for label in LABELS:
            (Path(folder) / label).mkdir()
            (Path(folder) / label / "__init__.py").touch()
        (Path(folder) / "shop" / "models.py").write_text(USERS)
        settings.configure(
            SECRET_KEY="of a test",
            USE_TZ=True,
            DATABASES={"default": generated_database(engine, host)},
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            AUTH_USER_MODEL="shop.First",
            INSTALLED_APPS=[
                *(f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes")),
                *LABELS,
            ],
        )
        django.setup()
        from django.test import utils

        utils.setup_test_environment()
        with utils.override_settings(MIGRATION_MODULES=_none()):
            created = utils.setup_databases(verbosity=0, interactive=False)
        try:
            kinds = _go_through(Path(folder), graphs, operations)
        finally:
            utils.teardown_databases(created, verbosity=0)
    sys.stdout.write(json.dumps(kinds) + "\n")


def compare(engine: str, graphs: int, operations: int, host: str = "") -> dict[str, int]:
    """Compare generated graphs in a process of their own; see `main`.

    Returns:
        How many migrations of each kind have done the same both ways.
    """
    return run_comparison(__name__, engine, str(graphs), str(operations), host, seconds=600)


def _none() -> dict[str, None]:
    """No app has migrations."""
    return dict.fromkeys(("admin", "auth", "contenttypes", *LABELS))


def _go_through(folder: Path, graphs: int, operations: int) -> Counter[str]:
    from django.db import connection

    # It is found out with a statement, once.
    _ = connection.features.supports_json_field
    # What the test database came with.
    drop_tables(connection, set())
    kinds: Counter[str] = Counter()
    seed = 0
    while kinds["graphs"] < graphs:
        seed += 1
        chance = random.Random(seed)
        history = draw_history(chance, operations)
        if _changes_users(history[1:]):
            # The model of users stays what it is.
            continue
        nodes = draw_graph(chance, history)
        expected = _run(folder, f"django{seed}", nodes, on_demand=False)
        actual = _run(folder, f"toolkit{seed}", nodes, on_demand=True)
        assert actual == expected, (seed, _difference(expected, actual))
        kinds.update(node.kind for node in nodes)
        kinds["graphs"] += 1
        kinds["failures"] += bool(expected[1])
    return kinds


def _changes_users(history: Sequence[tuple[str, Any]]) -> bool:
    """Whether the model of users is renamed or deleted."""
    return any(
        _kind(operation) in {"RenameModel", "DeleteModel"}
        and "first" in {getattr(operation, name, "").lower() for name in ("old_name", "name")}
        for _, operation in history
    )


def _difference(expected: Sequence[Any], actual: Sequence[Any]) -> str:
    for theirs, ours in zip(expected, actual, strict=True):
        if theirs != ours and isinstance(theirs, list):
            for one, other in zip(theirs, ours, strict=False):
                if one != other:
                    return f"{one}\n\n{other}"
    return f"{expected[1:]}\n\n{actual[1:]}"


def draw_graph(chance: random.Random, history: Sequence[tuple[str, Any]]) -> list[Node]:
    """Migrations that do what a history does, in its order."""
    nodes: list[Node] = []
    last: dict[str, tuple[str, str]] = {}
    for label, operation in history:
        if hasattr(operation, "elidable"):
            operation.elidable = chance.random() < 0.3
        if nodes and nodes[-1].key[0] == label and chance.random() < 0.5:
            nodes[-1].operations.append(operation)
            continue
        node = Node((label, f"{len(nodes):04}_step"), [operation], [])
        if nodes and nodes[-1].key[0] != label and chance.random() < 0.4:
            nodes[-1].run_before.append(node.key)
        elif nodes:
            node.dependencies.append(nodes[-1].key)
        if label in last and last[label] not in node.dependencies:
            node.dependencies.append(last[label])
        last[label] = node.key
        nodes.append(node)
    return nodes + _squashed(chance, nodes)


def _squashed(chance: random.Random, nodes: Sequence[Node]) -> list[Node]:
    """Migrations that replace some of these that follow each other in an app."""
    found: list[Node] = []
    number = 0
    while number + 1 < len(nodes):
        pair = nodes[number : number + 2]
        fits = pair[0].key[0] == pair[1].key[0] and not any(one.run_before for one in pair)
        number += 1
        if fits and chance.random() < 0.5:
            operations = [
                operation
                for one in pair
                for operation in one.operations
                if not getattr(operation, "elidable", False)
            ]
            label, name = pair[1].key
            key = (label, f"{name}_squashed")
            replaces = [one.key for one in pair]
            found.append(Node(key, operations, pair[0].dependencies, [], replaces))
            number += 1
    return found


def _run(
    folder: Path, package: str, nodes: Sequence[Node], *, on_demand: bool
) -> tuple[list[tuple[str, list[str]]], str, list[str]]:
    """Migrate an empty database, and empty it again.

    Returns:
        The statements of each migration, the error that ended it, and the state after it.
    """
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from django.test import override_settings

    _write(folder / package, nodes)
    importlib.invalidate_caches()
    modules = {label: f"{package}.{label}" for label in LABELS}
    steps: list[tuple[str, list[str]]] = []

    def progress(action: str, migration: Any = None, fake: Any = None) -> None:
        del fake
        if action == "apply_start":
            steps.append((str(migration), []))

    def note(execute: Any, sql: Any, parameters: Any, many: Any, context: Any) -> Any:
        if steps:
            steps[-1][1].append(f"{sql} {parameters or ()!r}")
        return execute(sql, parameters, many, context)

    error, lines = "", []
    with override_settings(MIGRATION_MODULES=modules):
        try:
            with connection.execute_wrapper(note), rendering(on_demand=on_demand):
                executor = MigrationExecutor(connection, progress)
                state = executor.migrate(executor.loader.graph.leaf_nodes())
                lines = describe(state)
        except Exception:  # noqa: BLE001  # Django's own way may raise anything.
            error = f"failed at {steps[-1][0] if steps else 'the start'}"
            steps[-1:] = []
    drop_tables(connection, set())
    unordered = {
        ".".join(node.key) for node in nodes if UNORDERED.intersection(map(_kind, node.operations))
    }
    return (
        [(name, _normal(one, is_ordered=name not in unordered)) for name, one in steps],
        error,
        lines,
    )


def rendering(*, on_demand: bool) -> Any:
    """A block in which models are rendered in one way."""
    return rendering_on_demand() if on_demand else nullcontext()


def _normal(statements: Sequence[str], *, is_ordered: bool) -> list[str]:
    """Statements without what differs in each run."""
    moment = r"datetime\.datetime\([^)]*\)|\d{4}-\d\d-\d\d[ T][\d:.]+(\+00:00)?"
    names = (re.sub(r'"s\d+_x\d+', '"s_x', one) for one in statements)
    found = [re.sub(moment, "(a moment)", one) for one in names]
    return found if is_ordered else sorted(found)


def _kind(operation: Any) -> str:
    return type(operation).__name__


def _write(folder: Path, nodes: Sequence[Node]) -> None:
    from django.db.migrations import Migration
    from django.db.migrations.writer import MigrationWriter

    for label in LABELS:
        (folder / label).mkdir(parents=True)
        (folder / label / "__init__.py").touch()
    (folder / "__init__.py").touch()
    for node in nodes:
        label, name = node.key
        body = {
            "operations": node.operations,
            "dependencies": node.dependencies,
            "run_before": node.run_before,
            "replaces": node.replaces,
        }
        migration = type("Migration", (Migration,), body)(name, label)
        text = MigrationWriter(migration, include_header=False).as_string()
        # The writer leaves it out.
        text += f"    run_before = {node.run_before!r}\n"
        (folder / label / f"{name}.py").write_text(text)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), (sys.argv[4:] or [""])[0])
