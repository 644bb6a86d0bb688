"""Whether a project's migrations can be run with models that are rendered on demand."""

from __future__ import annotations

from typing import Any, Final

VERSIONS: Final = frozenset({(4, 2), (5, 2), (6, 0), (6, 1)})
"""The releases of Django whose migrations have been read and compared."""


def obstacle() -> str:
    """Why Django's own way is needed, as the end of a sentence; an empty string if it is not.

    Projects and packages replace parts of Django, which may do more then, or something else.
    """
    import django
    from django.core.management import get_commands
    from django.core.management.commands import migrate
    from django.db.migrations import Migration, executor
    from django.db.migrations.state import ModelState, ProjectState, StateApps
    from django.db.models.options import Options

    if django.VERSION[:2] not in VERSIONS:
        return f"Django {'.'.join(map(str, django.VERSION[:2]))} is not supported"
    command = get_commands().get("migrate")
    if command != "django.core":
        name = command if isinstance(command, str) else type(command).__module__
        return f"{name} has its own migrate command"
    used: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (migrate.Command, ("handle",)),
        (executor.MigrationExecutor, ("migrate", "_migrate_all_forwards", "apply_migration")),
        (Migration, ("apply", "mutate_state")),
        (
            ProjectState,
            ("clone", "reload_model", "reload_models", "remove_model", "clear_delayed_apps_cache"),
        ),
        (StateApps, ("__init__", "render_multiple", "clone", "register_model")),
        (ModelState, ("clone", "render")),
        (Options, ("_populate_directed_relation_graph", "_get_fields")),
    )
    for owner, names in used:
        for name in names:
            module = getattr(getattr(owner, name), "__module__", "")
            if not module.startswith("django."):
                return f"{module} replaces {owner.__name__}.{name}"
    kinds = (
        (migrate, "MigrationExecutor", executor.MigrationExecutor),
        (executor, "ProjectState", ProjectState),
    )
    for module, name, kind in kinds:
        if getattr(module, name) is not kind:
            return f"{getattr(module, name).__module__} replaces {name}"
    return ""
