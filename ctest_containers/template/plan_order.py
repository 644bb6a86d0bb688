"""The order of migrations in a plan, and of their rows in the table of applied migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.migrations.executor import MigrationExecutor


def put_in_order(connection: Any, plan: list[Any]) -> None:
    """Number the applied migrations as if they had been applied in the order of the plan."""
    from django.db import transaction
    from django.db.migrations.recorder import MigrationRecorder

    model = MigrationRecorder(connection).Migration
    rows: list[Any] = list(model.objects.using(connection.alias).order_by("id"))
    names = [(migration.app_label, migration.name) for migration in plan]
    position = {name: number for number, name in enumerate(names)}
    ordered = sorted(rows, key=lambda row: position.get((row.app, row.name), len(position)))
    if ordered == rows:
        return
    numbers = [row.id for row in rows]
    with transaction.atomic(using=connection.alias):
        model.objects.using(connection.alias).all().delete()
        for number, row in zip(numbers, ordered, strict=True):
            row.id = number
        model.objects.using(connection.alias).bulk_create(ordered)


def whole_plan(executor: MigrationExecutor) -> list[tuple[Any, bool]]:
    """Return the plan that receivers get when an empty database is migrated."""
    return executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
