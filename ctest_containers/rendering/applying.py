"""Applies operations as Django does, with models that are rendered on demand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from django.apps import apps as todays_apps
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation
from django.db.models.utils import make_model_tuple

from ctest_containers.rendering.fallback import leaving_to_django
from ctest_containers.rendering.on_demand_apps import OnDemandApps
from ctest_containers.rendering.operations import (
    RUN_PYTHON,
    SCHEMA_OPERATIONS,
    SEPARATE,
    WITHOUT_MODELS,
    kind_of,
    models_of,
    uses_referring_models,
)
from ctest_containers.rendering.registries import Key, PartialApps

PARTIAL: Final = "partial_apps"
"""The attribute of a project state for the registry that operations on the schema use."""

LABELS: Final = "app_labels"
"""The attribute of a project state for the labels of its apps, in their order."""

Transaction = Callable[[], AbstractContextManager[object]]
"""Returns the context manager in which an operation's statements run."""


def apply_operation(
    operation: Any,
    app_label: str,
    state: ProjectState,
    schema_editor: Any,
    transaction: Transaction = nullcontext,
) -> None:
    """Apply an operation to a state and to the database.

    As long as no model of the state is delayed, functions of migrations share classes with
    everything that comes later, and with what was done to them. That is Django's own way.

    Raises:
        RenderingError: An operation failed that may not fail in Django's own way.
    """
    kind = kind_of(operation)
    if not state.is_delayed:
        earlier = state.clone()
        operation.state_forwards(app_label, state)
        with transaction():
            operation.database_forwards(app_label, schema_editor, earlier, state)
        return
    if kind in SCHEMA_OPERATIONS:
        with leaving_to_django():
            _apply_to_schema(operation, app_label, state, schema_editor, transaction)
    elif kind in {RUN_PYTHON, SEPARATE, *WITHOUT_MODELS}:
        _apply_without_schema(operation, app_label, state, schema_editor, transaction)
    else:
        with leaving_to_django():
            _apply_custom(operation, app_label, state, schema_editor, transaction)


def _apply_to_schema(
    operation: Any,
    app_label: str,
    state: ProjectState,
    schema_editor: Any,
    transaction: Transaction,
) -> None:
    partial = _partial_apps(state)
    partial.render(models_of(operation, app_label))
    if uses_referring_models(operation, app_label, state, schema_editor):
        partial.note_referring(models_of(operation, app_label))
    earlier = _clone(state)
    vars(earlier)["apps"] = partial.earlier()
    operation.state_forwards(app_label, state)
    vars(state)["apps"] = partial
    try:
        with transaction():
            operation.database_forwards(app_label, schema_editor, earlier, state)
    finally:
        partial.end_operation()
        _render_later(state)


def _apply_without_schema(
    operation: Any,
    app_label: str,
    state: ProjectState,
    schema_editor: Any,
    transaction: Transaction,
) -> None:
    """Apply an operation that runs code or statements, or operations of its own."""
    _partial_apps(state)
    earlier = _clone(state)
    operation.state_forwards(app_label, state)
    kind = kind_of(operation)
    with transaction():
        if kind == SEPARATE:
            # As `SeparateDatabaseAndState.database_forwards`: these have states of their own.
            for part in operation.database_operations:
                apply_operation(part, app_label, earlier, schema_editor)
            return
        if kind == RUN_PYTHON and not _lacks_models(earlier):
            # A delayed state would render all models even if the function uses none.
            earlier.is_delayed = False
        operation.database_forwards(app_label, schema_editor, earlier, state)


def _apply_custom(
    operation: Any,
    app_label: str,
    state: ProjectState,
    schema_editor: Any,
    transaction: Transaction,
) -> None:
    """Apply a custom operation, which may use its models in any way."""
    _partial_apps(state)
    earlier = _clone(state)
    # Operations change fields that states share.
    _ = earlier.apps.all_models
    operation.state_forwards(app_label, state)
    with transaction():
        operation.database_forwards(app_label, schema_editor, earlier, state)
    vars(state)[LABELS] = _labels(state)
    vars(state).pop(PARTIAL, None)
    _render_later(state)


def reload(state: ProjectState, keys: Collection[Key], *, delay: bool) -> bool:
    """Update the registries of a state whose models have changed.

    Args:
        delay: See `ProjectState.reload_model`.

    Returns:
        Whether Django need not do it in its own way.

    Raises:
        RenderingError: A model cannot be rendered now.
    """
    partial: PartialApps | None = vars(state).get(PARTIAL)
    if partial is not None:
        with leaving_to_django():
            partial.update(keys)
    if isinstance(vars(state).get("apps"), OnDemandApps):
        state.is_delayed = state.is_delayed or delay
        _render_later(state)
        return True
    return False


def _partial_apps(state: ProjectState) -> PartialApps:
    """The registry for operations on the schema."""
    partial: PartialApps | None = vars(state).get(PARTIAL)
    if partial is None:
        real = _real_models(frozenset(state.real_apps))
        partial = PartialApps(state.models, real, _labels(state))
        vars(state)[PARTIAL] = partial
        _render_later(state)
    return partial


def _labels(state: ProjectState) -> list[str]:
    """The labels of a state's apps; Django keeps the order of their first use."""
    if (partial := vars(state).get(PARTIAL)) is not None:
        return [*partial.app_configs]
    apps = vars(state).get("apps")
    if apps is not None and not isinstance(apps, OnDemandApps):
        return [*apps.app_configs]
    return vars(state).get(LABELS) or sorted({*state.real_apps, *(key[0] for key in state.models)})


def _render_later(state: ProjectState) -> None:
    """Give a state a registry in which nothing has been rendered yet."""
    vars(state)["apps"] = OnDemandApps(state.real_apps, state.models)


def _clone(state: ProjectState) -> ProjectState:
    """A copy of a state, with a registry in which nothing has been rendered yet."""
    apps = vars(state).pop("apps", None)
    copy = state.clone()
    if apps is not None:
        vars(state)["apps"] = apps
    vars(copy)[LABELS] = _labels(state)
    _render_later(copy)
    return copy


@functools.cache
def _real_models(labels: frozenset[str]) -> list[ModelState]:
    """The states of today's models of apps without migrations, as in `StateApps`."""
    return [
        ModelState.from_model(model, exclude_rels=True)
        for label in labels
        for model in todays_apps.get_app_config(label).get_models()
    ]


def _lacks_models(state: ProjectState) -> bool:
    """Whether a model refers to one that the state lacks, which Django reports when it renders."""
    real = _real_models(frozenset(state.real_apps))
    known = {*state.models, *((model.app_label, model.name_lower) for model in real)}
    bases = (base for model in state.models.values() for base in model.bases)
    return any(
        isinstance(base, str) and make_model_tuple(base) not in known for base in bases
    ) or any(
        kind and resolve_relation(kind, *key) not in known
        for key, model in state.models.items()
        for field in model.fields.values()
        if field.remote_field
        for kind in (field.remote_field.model, getattr(field.remote_field, "through", None))
    )
