"""An operation that only gives Django's own its arguments is handled as Django's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from ctest_containers.rendering.operations import RUN_PYTHON, SCHEMA_OPERATIONS, kind_of


class WithArguments(migrations.RunPython):
    """Says what is run, as many packages do."""

    atomic = False
    reversible = False

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(self.forwards)

    def forwards(self, apps: Any, _: Any) -> None:
        """Read a model."""
        apps.get_model(self.model).objects.count()

    def describe(self) -> str:
        return "Count"


class WithAnotherMeaning(migrations.AddField):
    """Does something else."""

    def database_forwards(self, *arguments: Any) -> None:
        """Do nothing."""


class Mixin:
    """Decides whether an operation is for a server."""

    def allow_migrate_model(self, *_: Any) -> bool:
        """Whether it is."""
        return False


class WithMixin(Mixin, migrations.AddField):
    """Has a method of Django's from another class."""


class OfProject(Operation):
    """Has methods of its own, behind those of the class that is before it."""

    def allow_migrate_model(self, *_: Any) -> bool:
        """Whether a model has a certain one that refers to it."""
        return False


class WithBase(migrations.AddField, OfProject):
    """Has a method of a base class that is not Django's."""


class WithOwnMethod(migrations.SeparateDatabaseAndState):
    """Gives an instance another method than its class has."""

    def __init__(self) -> None:
        super().__init__([], [])
        setattr(self, "database_forwards", print)  # noqa: B010  # As projects do it.


class WithoutAttributes(migrations.RunSQL):
    """Computes what it lacks."""

    def __getattr__(self, name: str) -> Any:
        return name


def test_a_subclass_with_another_constructor_is_django_s_operation() -> None:
    assert kind_of(WithArguments("shop.Item")) == RUN_PYTHON


@pytest.mark.parametrize(
    "operation",
    [
        WithAnotherMeaning("item", "name", models.TextField()),
        WithMixin("item", "name", models.TextField()),
        WithBase("item", "name", models.TextField()),
        WithOwnMethod(),
        WithoutAttributes("SELECT 1"),
    ],
)
def test_a_subclass_that_changes_what_django_s_operation_does_is_another_one(
    operation: Any,
) -> None:
    assert kind_of(operation) == f"{__name__}.{type(operation).__name__}"


def test_django_s_own_operations_are_themselves() -> None:
    operation = migrations.AddField("item", "name", models.TextField())
    # What has been computed is kept by the instance.
    assert operation.model_name_lower == "item"

    assert kind_of(operation) in SCHEMA_OPERATIONS
