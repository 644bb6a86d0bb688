"""Inputs other than definitions select the tests that have used them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from unit.impact.made_project import MadeProject, hints, project, ran

from ctest_containers.impact.changes import Changes
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.loaded import Loaded
from ctest_containers.usage.model import BASE, StatementUsage, Usage

__all__ = ["project"]

ONE, TWO = "test shop.tests.OrderTests.test_one", "test shop.tests.OrderTests.test_two"

MODELS = """
    from django.conf import settings
    import os

    LIMIT = settings.SHOP_LIMIT
    HOST = os.environ.get("SHOP_HOST")

    class Order:
        limit = 3

    class Item:
        order = Order

    def total():
        return LIMIT

    def host():
        return HOST
"""


@pytest.fixture
def shop(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch, configured_django: None
) -> MadeProject:
    del configured_django
    monkeypatch.chdir(project.folder)
    for name, value in {"SHOP_LIMIT": 3, "OTHER_LIMIT": 3, "SITE_ID": 1}.items():
        monkeypatch.setattr(settings, name, value, raising=False)
    names = {"SHOP_LIMIT", "OTHER_LIMIT", "SITE_ID", "LANGUAGE_CODE"}
    project.loaded = Loaded(settings=frozenset(names))
    project.write(models=MODELS)
    return project


def write(name: str, text: str) -> Callable[[MadeProject], object]:
    def change(project: MadeProject) -> None:
        file = project.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    return change


@pytest.mark.parametrize(
    ("used", "change", "reason"),
    [
        ({"files": {"data/a.json"}}, write("data/a.json", "2"), "data/a.json changed"),
        ({"folders": {"data"}}, write("data/b.json", "2"), "the files in data changed"),
        (
            {"matches": {"data/*.csv"}},
            write("data/b.csv", "2"),
            "the files like data/*.csv changed",
        ),
        ({"paths": {"data/b.json"}}, write("data/b.json", "2"), "data/b.json was added or removed"),
    ],
)
def test_a_changed_file_selects_the_tests_that_used_it(
    shop: MadeProject, used: dict[str, Any], change: Callable[[MadeProject], object], reason: str
) -> None:
    write("data/a.json", "1")(shop)
    usage: Any = {kind: frozenset(names) for kind, names in used.items()}
    shop.record({ONE: Usage(**usage), TWO: Usage()})
    assert shop.affected() == {}

    change(shop)
    assert shop.affected() == {"test_one": (reason,)}


def test_a_file_that_was_read_before_the_first_test_counts_for_all(shop: MadeProject) -> None:
    write("data/a.json", "1")(shop)
    shop.record({ONE: Usage(), BASE: Usage(files=frozenset({"data/a.json"}))})
    write("data/a.json", "2")(shop)

    assert shop.select().everything == ("data/a.json changed, which counts for all tests",)


def test_a_setting_selects_the_tests_that_read_it(
    shop: MadeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.record(
        {ONE: Usage(settings=frozenset({"SHOP_LIMIT", "SITE_ID"})), TWO: ran("models.total")}
    )
    monkeypatch.setattr(settings, "SITE_ID", 2)
    assert shop.affected() == {"test_one": ("the setting SITE_ID changed",)}

    monkeypatch.setattr(settings, "SHOP_LIMIT", 4)
    assert shop.affected() == {
        "test_one": ("the setting SHOP_LIMIT changed", "the setting SITE_ID changed"),
        "test_two": (
            (
                "ran shop.models.total, which uses shop.models.LIMIT, which uses the setting "
                "SHOP_LIMIT, which changed"
            ),
        ),
    }


@pytest.mark.parametrize("name", ["OTHER_LIMIT", "LANGUAGE_CODE"])
def test_a_setting_whose_readers_are_unknown_selects_everything(
    shop: MadeProject, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shop.record({ONE: Usage(), TWO: Usage(settings=frozenset({name}))})
    monkeypatch.setattr(settings, name, "de")

    assert shop.select().everything == (f"the setting {name} changed",)


def test_an_environment_variable_selects_the_tests_that_use_it(
    shop: MadeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.record({ONE: Usage(variables=frozenset({"SHOP_HOST"})), TWO: ran("models.host")})
    monkeypatch.setenv("SHOP_HOST", "b")

    assert sorted(shop.affected()) == ["test_one", "test_two"]


def test_packages_and_pythons_select_everything(shop: MadeProject) -> None:
    shop.record({ONE: Usage()})
    for kind, digests, reason in (
        ("python", {"": "CPython 2.7"}, "the version of Python changed"),
        ("packages", {"other": "1"}, "the installed package other changed"),
        ("compiled", {"shop/fast.so": "1"}, "the compiled module shop/fast.so changed"),
    ):
        others = {**shop.inputs.others, kind: {**shop.inputs.others[kind], **digests}}
        before, shop.inputs = shop.inputs, replace(shop.inputs, others=others)
        assert shop.select().everything == (reason,)
        shop.inputs = before


def test_a_conftest_counts_for_the_tests_in_its_folder(shop: MadeProject) -> None:
    write("shop/tests.py", "class OrderTests: pass\n")(shop)
    write("other/tests.py", "class OtherTests: pass\n")(shop)
    write("other/__init__.py", "")(shop)
    shop.record({ONE: Usage(), "test other.tests.OtherTests.test_other": Usage()})

    write("other/conftest.py", "")(shop)
    assert shop.affected() == {"test_other": ("other/conftest.py changed",)}
    write("conftest.py", "")(shop)
    assert sorted(shop.affected()) == ["test_one", "test_other"]


def statement(text: str) -> StatementUsage:
    return StatementUsage(text=text, alias="default", count=1, seconds=0.1, places={})


def test_a_changed_model_selects_the_tests_whose_statements_touch_its_table(
    shop: MadeProject,
) -> None:
    kinds = {"shop_order": frozenset({("shop.models", "Order"), ("shop.models", "Item")})}
    models = {"shop.item": frozenset({("shop.models", "Item")})}
    shop.loaded = replace(shop.loaded, tables=kinds, models=models)
    shop.record(
        {
            ONE: Usage(statements=(statement('SELECT * FROM "shop_order" WHERE "id" = ?'),)),
            TWO: Usage(statements=(statement('SELECT * FROM "shop_orders"'),)),
            f"{TWO}_all": Usage(models=frozenset({"*"})),
            f"{TWO}_item": Usage(models=frozenset({"shop.Item"})),
        }
    )
    shop.write(models=MODELS.replace("order = Order", "order = None"))

    assert shop.affected() == {
        "test_one": ("touches shop_order, the table of shop.models.Item, which changed",),
        "test_two_all": ("looks up all models",),
        "test_two_item": ("looks up the model shop.Item",),
    }


def test_a_new_model_selects_the_tests_that_touch_a_table_to_which_it_refers(
    shop: MadeProject,
) -> None:
    order, item = frozenset({("shop.models", "Order")}), frozenset({("shop.models", "Item")})
    shop.loaded = replace(shop.loaded, tables={"shop_order": order}, models={"shop.order": order})
    shop.record(
        {
            ONE: Usage(statements=(statement('DELETE FROM "shop_order" WHERE "id" = ?'),)),
            TWO: Usage(models=frozenset({"shop.Order"})),
            f"{TWO}_all": Usage(models=frozenset({"*"})),
        }
    )
    shop.loaded = replace(
        shop.loaded,
        tables={"shop_order": order | item, "shop_item": item},
        models={"shop.order": order, "shop.item": item},
    )

    assert shop.affected() == {
        "test_one": ("touches shop_order, to which other models belong or refer now",),
        "test_two_all": ("looks up all models",),
    }


def test_a_changed_model_or_migration_selects_the_tests_that_compare_them(
    shop: MadeProject,
) -> None:
    order = frozenset({("shop.models", "Order")})
    shop.write(
        models=MODELS,
        plans="""
            from django.db.migrations.autodetector import MigrationAutodetector

            def planned():
                return MigrationAutodetector
        """,
    )
    write("shop/migrations/__init__.py", "")(shop)
    shop.loaded = replace(
        hints(models=order), models={"shop.order": order}, migrations=("shop.migrations",)
    )
    command = "django.core.management.commands.makemigrations"
    shop.record({ONE: Usage(lookups=frozenset({command})), TWO: ran("plans.planned")})
    assert shop.affected() == {}

    shop.write(models=MODELS.replace("limit = 3", "limit = 4"))
    assert shop.affected() == {
        "test_one": ("uses the migrations, which uses shop.models.Order, which changed",),
        "test_two": (
            (
                "ran shop.plans.planned, which uses the migrations, which uses shop.models.Order, "
                "which changed"
            ),
        ),
    }
    shop.write(models=MODELS)
    write("shop/migrations/0001_initial.py", "")(shop)
    assert sorted(shop.affected()) == ["test_one", "test_two"]


def test_translations_count_for_all_tests_as_django_reads_them_once(shop: MadeProject) -> None:
    write("locale/django.mo", "1")(shop)
    shop.record({ONE: Usage(files=frozenset({"locale/django.mo"})), TWO: Usage()})
    write("locale/django.mo", "2")(shop)

    assert shop.select().everything == ("locale/django.mo changed",)


def test_changed_databases_select_the_tests_whose_statements_they_reach(shop: MadeProject) -> None:
    shop.record({ONE: Usage(statements=(statement("SELECT 1"),)), TWO: Usage()})
    changes = Changes(reaches=lambda alias, text: f"{alias}: {text}")

    assert shop.select(changes=changes).affected == {
        "shop.tests.OrderTests.test_one": ("default: SELECT 1",)
    }


def test_inputs_of_another_format_are_unreadable(shop: MadeProject) -> None:
    shop.record({ONE: ran("models.total")})
    data = shop.inputs.to_json()

    assert Inputs.from_json(data) == shop.inputs
    assert Inputs.from_json({**data, "format": 0}) is None
    assert Inputs.from_json({**data, "nodes": [[1]]}) is None
    assert Inputs.from_json({}) is None


def test_merged_inputs_differ_from_anything_where_they_differ(shop: MadeProject) -> None:
    shop.record({ONE: ran("models.total")})
    first = shop.inputs
    shop.record({TWO: ran("models.host")})
    second = shop.inputs
    shop.inputs = first.merged(second)
    assert {("shop.models", "total"), ("shop.models", "host")} <= shop.inputs.nodes.keys()
    assert shop.affected() == {}

    shop.write(models=MODELS.replace("return LIMIT", "return -LIMIT"))
    shop.record({ONE: ran("models.total")})
    shop.inputs = first.merged(shop.inputs)
    assert [*shop.affected()] == ["test_one"]
