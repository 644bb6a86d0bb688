"""Classifies the operations of migrations by the models that they use."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from django.db.migrations.state import ProjectState
from django.utils.functional import cached_property

from ctest_containers.rendering.registries import Key

FIELDS: Final = "django.db.migrations.operations.fields"
MODELS: Final = "django.db.migrations.operations.models"
SPECIAL: Final = "django.db.migrations.operations.special"
POSTGRESQL: Final = "django.contrib.postgres.operations"

RUN_PYTHON: Final = f"{SPECIAL}.RunPython"

SEPARATE: Final = f"{SPECIAL}.SeparateDatabaseAndState"

SCHEMA_OPERATIONS: Final = frozenset(
    {
        f"{FIELDS}.AddField",
        f"{FIELDS}.AlterField",
        f"{FIELDS}.RemoveField",
        f"{FIELDS}.RenameField",
        f"{MODELS}.AddConstraint",
        f"{MODELS}.AddIndex",
        f"{MODELS}.AlterConstraint",
        f"{MODELS}.AlterIndexTogether",
        f"{MODELS}.AlterModelManagers",
        f"{MODELS}.AlterModelOptions",
        f"{MODELS}.AlterModelTable",
        f"{MODELS}.AlterModelTableComment",
        f"{MODELS}.AlterOrderWithRespectTo",
        f"{MODELS}.AlterUniqueTogether",
        f"{MODELS}.CreateModel",
        f"{MODELS}.DeleteModel",
        f"{MODELS}.RemoveConstraint",
        f"{MODELS}.RemoveIndex",
        f"{MODELS}.RenameIndex",
        f"{MODELS}.RenameModel",
        f"{POSTGRESQL}.AddConstraintNotValid",
        f"{POSTGRESQL}.AddIndexConcurrently",
        f"{POSTGRESQL}.RemoveIndexConcurrently",
        f"{POSTGRESQL}.ValidateConstraint",
    }
)
"""Operations that use models only to generate statements."""

WITHOUT_MODELS: Final = frozenset(
    {
        f"{SPECIAL}.RunSQL",
        f"{POSTGRESQL}.BloomExtension",
        f"{POSTGRESQL}.BtreeGinExtension",
        f"{POSTGRESQL}.BtreeGistExtension",
        f"{POSTGRESQL}.CITextExtension",
        f"{POSTGRESQL}.CreateCollation",
        f"{POSTGRESQL}.CreateExtension",
        f"{POSTGRESQL}.CryptoExtension",
        f"{POSTGRESQL}.HStoreExtension",
        f"{POSTGRESQL}.RemoveCollation",
        f"{POSTGRESQL}.TrigramExtension",
        f"{POSTGRESQL}.UnaccentExtension",
    }
)
"""Operations that use no models."""

RENAMING: Final = frozenset({f"{FIELDS}.RenameField", f"{MODELS}.RenameModel"})
"""Operations that change the references to a model."""

INERT: Final = frozenset(
    {
        *("__init__", "__new__", "__repr__", "__doc__", "__module__", "__qualname__", "__dict__"),
        *("__weakref__", "__annotations__", "__firstlineno__", "__static_attributes__"),
        *("deconstruct", "describe", "formatted_description", "serialization_expand_args"),
        *("category", "elidable", "migration_name_fragment", "reduce", "references_field"),
        *("references_model", "database_backwards", "reversible", "reduces_to_sql", "atomic"),
    }
)
"""Attributes that a subclass may define and still behave as Django's class."""

NAMES: Final = ("name_lower", "old_name_lower", "model_name")
"""The attributes of operations that may name a model."""


def kind_of(operation: Any) -> str:
    """The dotted path of Django's class whose instances do the same as an operation.

    That of the operation's own class if there is none.
    """
    own, *bases = type(operation).__mro__[:-1]
    kind = next((base for base in (own, *bases) if base.__module__.startswith("django.")), own)
    others = [base for base in (own, *bases) if not base.__module__.startswith("django.")]
    names = {
        *(name for other in others for name in vars(other)),
        *(name for name in vars(operation) if not _is_cached(kind, name)),
    }
    changed = {name for name in names if hasattr(kind, name) or name == "__getattr__"}
    if not changed <= INERT:
        kind = own
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_cached(kind: type, name: str) -> bool:
    """Whether an instance has the value of a cached property of its class."""
    return isinstance(inspect.getattr_static(kind, name, None), cached_property)


def models_of(operation: Any, app_label: str) -> Iterator[Key]:
    """The model that an operation on the schema changes; others may be among them."""
    for attribute in NAMES:
        name = getattr(operation, attribute, None)
        if isinstance(name, str):
            yield app_label, name.lower()


def uses_referring_models(
    operation: Any, app_label: str, state: ProjectState, schema_editor: Any
) -> bool:
    """Whether an operation looks at the models that refer to its model, as they are before it.

    Args:
        state: The state before the operation.
    """
    kind = kind_of(operation)
    if kind in RENAMING or not type(schema_editor).__module__.startswith("django."):
        return True
    if kind != f"{FIELDS}.AlterField":
        return False
    model = state.models.get((app_label, operation.model_name_lower))
    fields = (operation.field, model and model.fields.get(operation.name))
    # Only such a field may be the target of a foreign key.
    return any(getattr(field, "unique", True) for field in fields)
