"""Notes whether migrations look at rows that a fresh database has only after the last of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

FILLED: Final = (
    ("auth", "Permission"),
    ("contenttypes", "ContentType"),
    ("sites", "Site"),
)
"""The models whose rows Django's receivers of `post_migrate` make."""

ROWS: Final = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH)\b", re.IGNORECASE)
"""How statements begin that look at rows."""


@contextmanager
def watched() -> Iterator[set[str]]:
    """As long as the block lasts, the names of such tables that a migration's statement names."""
    from django.apps import apps
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    tables = [
        apps.get_model(*name)._meta.db_table
        for name in FILLED
        if apps.is_installed(f"django.contrib.{name[0]}")
    ]
    found: set[str] = set()
    applying = False
    original = MigrationExecutor.apply_migration

    def apply(*arguments: Any, **options: Any) -> Any:
        nonlocal applying
        applying = True
        try:
            return original(*arguments, **options)
        finally:
            applying = False

    def look(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
        if applying and isinstance(sql, str) and ROWS.match(sql):
            found.update(one for one in tables if re.search(rf"\b{re.escape(one)}\b", sql))
        return execute(sql, params, many, context)

    with ExitStack() as undo:
        undo.callback(setattr, MigrationExecutor, "apply_migration", original)
        setattr(MigrationExecutor, "apply_migration", apply)  # noqa: B010  # mypy knows it as a method.
        for connection in connections.all(initialized_only=True):
            undo.enter_context(connection.execute_wrapper(look))
        yield found
