"""Histories in which models were once rendered otherwise than Django renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("a_database")

History = list[tuple[str, Any]]


@pytest.fixture
def a_database(configured_django: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty database in memory."""
    # Tests of pages leave a browser's event loop in this process.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    del configured_django
    from django.db import connection
    from harness.generated_migrations import drop_tables

    connection.ensure_connection()
    _ = connection.features.supports_json_field
    existing = set(connection.introspection.table_names())
    yield
    drop_tables(connection, existing)


def key() -> tuple[str, Any]:
    """A primary key."""
    from django.db import models

    return ("id", models.BigAutoField(primary_key=True))


def to(label: str, **options: Any) -> Any:
    """A foreign key."""
    from django.db import models

    return models.ForeignKey(label, models.CASCADE, **options)


def both_ways(make: Any) -> tuple[Any, Any]:
    """What Django does, and what happens on demand.

    Args:
        make: Gives operations, which some operations change.
    """
    from harness.generated_migrations import draw_first, run

    expected = run([*draw_first(), *make()], is_atomic=True, on_demand=False)
    return expected, run([*draw_first(), *make()], is_atomic=True, on_demand=True)


def test_a_child_that_refers_to_itself_is_rendered_once() -> None:
    from django.db import models
    from django.db.migrations import AddField, AlterField, CreateModel

    def make() -> History:
        link: Any = models.OneToOneField(
            "shop.P", models.CASCADE, parent_link=True, primary_key=True, serialize=False
        )
        fields = [("ptr", link), ("q", models.IntegerField(default=1))]
        own = ("parent", to("shop.C", null=True, related_name="+"))
        unique: Any = models.IntegerField(unique=True, default=1)
        return [
            ("shop", CreateModel("X", [key(), ("n", models.IntegerField(default=1))])),
            ("shop", CreateModel("P", [key(), ("x", to("shop.X", null=True))])),
            ("shop", CreateModel("C", [*fields, own], bases=("shop.p",))),
            ("shop", CreateModel("A", [key(), ("c", to("shop.C"))])),
            ("shop", AlterField("X", "n", models.BigIntegerField(default=1))),
            ("shop", AddField("A", "y", models.IntegerField(default=1))),
            ("shop", AddField("C", "k", unique)),
        ]

    expected, actual = both_ways(make)

    assert actual == expected
    assert not expected[1]


def test_what_refers_to_a_later_model_is_rendered_again_with_it() -> None:
    from django.db import models
    from django.db.migrations import (
        AddField,
        AlterField,
        AlterModelTable,
        CreateModel,
        SeparateDatabaseAndState,
    )

    def make() -> History:
        target, referring = (
            CreateModel("B", [key()]),
            CreateModel("A", [key(), ("b", to("shop.B"))]),
        )
        return [
            ("shop", SeparateDatabaseAndState([target, referring], [referring, target])),
            ("shop", AlterModelTable("B", "new_b")),
            ("shop", AddField("A", "x", models.IntegerField(unique=True, default=1))),
            ("shop", AlterField("B", "id", models.CharField(max_length=9, primary_key=True))),
            ("shop", AlterField("A", "b", to("shop.B", null=True))),
        ]

    expected, actual = both_ways(make)

    assert actual == expected
    assert any('REFERENCES "new_b"' in statement for statement in actual[0][-3])


@pytest.mark.parametrize("is_separate", [False, True])
def test_tables_of_several_apps_are_altered_in_the_order_of_the_apps(
    is_separate: bool,  # noqa: FBT001
) -> None:
    from django.db.migrations import CreateModel, RenameModel, SeparateDatabaseAndState
    from harness.random_operations import OwnAlterModelOptions

    def make() -> History:
        rename = RenameModel("T", "U")
        return [
            ("zeta", CreateModel("T", [key()])),
            ("yota", CreateModel("Y", [key(), ("t", to("zeta.T"))])),
            ("alpha", CreateModel("X", [key(), ("t", to("zeta.T"))])),
            ("zeta", OwnAlterModelOptions("T", {"verbose_name": "t"})),
            ("zeta", SeparateDatabaseAndState([rename], [rename]) if is_separate else rename),
        ]

    expected, actual = both_ways(make)

    assert actual == expected


def test_a_concurrent_operation_that_names_its_model_only_is_applied() -> None:
    from django.contrib.postgres.operations import ValidateConstraint

    from ctest_containers.rendering.operations import models_of

    assert ("shop", "item") in models_of(ValidateConstraint("Item", "positive"), "shop")


def test_errors_that_the_project_catches_are_known() -> None:
    from django.db import models
    from django.db.migrations import AlterField, Migration
    from django.db.migrations.state import ProjectState
    from harness.generated_migrations import apply, draw_first

    from ctest_containers.errors import RenderingError
    from ctest_containers.rendering.on_demand import rendering_on_demand

    state = ProjectState()
    _ = state.apps
    with rendering_on_demand() as errors:
        for number, (label, operation) in enumerate(draw_first()):
            state = apply(operation, label, number, state, is_atomic=True)
        wrong = AlterField("First", "nothing", models.IntegerField())
        with pytest.raises(RenderingError):
            apply(wrong, "shop", 3, state, is_atomic=True)

    assert [type(error) for error in errors] == [RenderingError]
    assert Migration.apply.__module__ == "django.db.migrations.migration"
