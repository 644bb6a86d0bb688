"""Makes Django render models on demand."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, Final

from ctest_containers.errors import RenderingError
from ctest_containers.rendering.fallback import ERRORS

COLLECT_AFTER: Final = 100_000
"""How many new objects may be in memory before garbage is collected; a model's class has 300."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Collect garbage rarely in this block.

    Each class becomes garbage when it is rendered again, but that is only some ten megabytes.
    """
    usual = gc.get_threshold()
    # A recorder that has frozen objects searches newer ones only.
    if not gc.get_freeze_count():
        gc.freeze()
    # Zero turns collection off.
    gc.set_threshold(usual[0] and max(COLLECT_AFTER, usual[0]), *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def rendering_on_demand() -> Iterator[list[RenderingError]]:
    """Render models on demand in this block.

    Yields:
        The errors that leave the build to Django's own way: the project may catch them.
    """
    ERRORS.clear()
    from django.db.migrations import Migration
    from django.db.migrations.state import ProjectState
    from django.db.transaction import atomic

    from ctest_containers.rendering.applying import apply_operation, reload
    from ctest_containers.rendering.cloning import cloning_from_parts

    apply = Migration.apply
    reload_model, reload_models = ProjectState.reload_model, ProjectState.reload_models
    remove_model = ProjectState.remove_model

    def apply_on_demand(
        migration: Any,
        state: Any,
        schema_editor: Any,
        collect_sql: bool = False,  # noqa: FBT001, FBT002  # As Django has it.
    ) -> Any:
        if collect_sql:
            return apply(migration, state, schema_editor, collect_sql)
        alias = schema_editor.connection.alias
        for operation in migration.operations:
            is_atomic = operation.atomic or (migration.atomic and operation.atomic is not False)
            needs_transaction = is_atomic and not schema_editor.atomic_migration
            transaction = functools.partial(atomic, alias) if needs_transaction else nullcontext
            apply_operation(operation, migration.app_label, state, schema_editor, transaction)
        return state

    def reload_one(
        state: Any,
        app_label: str,
        model_name: str,
        delay: bool = False,  # noqa: FBT001, FBT002  # As above.
    ) -> None:
        is_done = reload(state, [(app_label, model_name)], delay=delay)
        if not is_done:
            reload_model(state, app_label, model_name, delay)

    def reload_several(
        state: Any,
        models: Any,
        delay: bool = True,  # noqa: FBT001, FBT002  # As above.
    ) -> None:
        is_done = reload(state, models, delay=delay and bool(models))
        if not is_done:
            reload_models(state, models, delay)

    def remove(state: Any, app_label: str, model_name: str) -> None:
        if reload(state, (), delay=False):
            apps = vars(state).pop("apps")
            remove_model(state, app_label, model_name)
            vars(state)["apps"] = apps
        else:
            remove_model(state, app_label, model_name)
        reload(state, [(app_label, model_name)], delay=False)

    with ExitStack() as undo:
        undo.enter_context(collecting_rarely())
        undo.enter_context(cloning_from_parts())
        for owner, name, function in (
            (Migration, "apply", apply_on_demand),
            (ProjectState, "reload_model", reload_one),
            (ProjectState, "reload_models", reload_several),
            (ProjectState, "remove_model", remove),
        ):
            undo.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, function)
        yield ERRORS
