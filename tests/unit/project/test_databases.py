"""Which databases a project has, and which of them share a server."""

from __future__ import annotations

import pytest
from unit.checkout import Checkout

from ctest_containers.errors import UsageError
from ctest_containers.model import SQLITE, DatabasePlan, Vendor
from ctest_containers.project.databases import DatabasePlans, group_by_name

POSTGRESQL = '{"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "b"}'


def test_databases_with_different_names_share_a_server() -> None:
    plans = [DatabasePlan(name=name, aliases=(name,)) for name in "abc"]

    groups = group_by_name(Vendor("postgresql"), plans)

    assert [group.aliases for group in groups] == [("a", "b", "c")]


def test_databases_with_the_same_name_do_not_share_a_server() -> None:
    plans = [DatabasePlan(name="x", aliases=(alias,)) for alias in "ab"]

    groups = group_by_name(Vendor("postgresql"), plans)

    assert [group.label for group in groups] == ["postgresql", "postgresql-2"]
    assert [group.aliases for group in groups] == [("a",), ("b",)]


def test_databases_are_grouped_by_vendor(checkout: Checkout) -> None:
    groups = checkout.ask()["groups"]

    assert groups["postgresql"] == [["test_shop", ["default"], ["shop"]]]
    assert [aliases for _, aliases, _ in groups["sqlite"]] == [["other"]]


def test_only_groups_that_are_used_are_given(checkout: Checkout) -> None:
    assert list(checkout.ask(used=["other"])["groups"]) == ["sqlite"]
    assert checkout.ask(used=[])["groups"] == {}


def test_a_mirror_lives_in_the_database_that_it_mirrors(checkout: Checkout) -> None:
    checkout.add_settings(
        f'DATABASES["replica"] = {{**{POSTGRESQL}, "TEST": {{"MIRROR": "default"}}}}\n'
    )

    groups = checkout.ask(used=["replica"])["groups"]

    assert groups == {"postgresql": [["test_shop", ["default", "replica"], ["shop", "postgres"]]]}


def test_two_aliases_of_one_database_share_it(checkout: Checkout) -> None:
    checkout.add_settings('DATABASES["copy"] = dict(DATABASES["default"])\n')

    groups = checkout.ask(used=["copy"])["groups"]

    assert groups == {"postgresql": [["test_shop", ["default", "copy"], ["shop", "shop"]]]}


def test_databases_of_one_name_on_two_hosts_stay_apart(checkout: Checkout) -> None:
    checkout.add_settings(f'DATABASES["far"] = {POSTGRESQL}\n')

    groups = checkout.ask()["groups"]

    assert groups["postgresql"] == [["test_shop", ["default"], ["shop"]]]
    assert groups["postgresql-2"] == [["test_shop", ["far"], ["postgres"]]]


def test_a_group_keeps_all_its_databases_when_one_is_used(checkout: Checkout) -> None:
    checkout.add_settings(f'DATABASES["more"] = {{**{POSTGRESQL}, "NAME": "more"}}\n')

    groups = checkout.ask(used=["more"])["groups"]

    assert [name for name, _, _ in groups["postgresql"]] == ["test_shop", "test_more"]


STRANGE = 'DATABASES["strange"] = {"ENGINE": "strange"}\n'
STRANGE_BACKEND = """
from django.db.backends.sqlite3.base import DatabaseWrapper as Base


class DatabaseWrapper(Base):
    vendor = "strange"
"""


def test_a_vendor_without_a_backend_is_refused_when_it_is_used(checkout: Checkout) -> None:
    checkout.write("strange/__init__.py", "")
    checkout.write("strange/base.py", STRANGE_BACKEND)
    checkout.add_settings(STRANGE)

    kind, message, hint = checkout.ask(used=["strange"])["error"]

    assert kind == "UnsupportedVendorError"
    assert "'strange'" in message
    assert "manage.py test" in hint


def test_a_vendor_without_a_backend_does_not_matter_when_it_is_not_used(
    checkout: Checkout,
) -> None:
    checkout.write("strange/__init__.py", "")
    checkout.write("strange/base.py", STRANGE_BACKEND)
    checkout.add_settings(STRANGE)

    assert list(checkout.ask(used=["other"])["groups"]) == ["sqlite"]


def test_a_project_without_databases_has_no_groups(checkout: Checkout) -> None:
    checkout.add_settings("DATABASES = {}\n")

    assert checkout.ask()["groups"] == {}
    assert checkout.ask(used=["default"])["groups"] == {}


def test_databases_of_different_images_do_not_share_a_server() -> None:
    images = {"a": "postgres:16", "b": "postgres:17", "c": "postgres:16"}
    plans = [DatabasePlan(name=one, aliases=(one,), image=image) for one, image in images.items()]

    groups = group_by_name(Vendor("postgresql"), plans)

    assert [group.aliases for group in groups] == [("a", "c"), ("b",)]
    assert [group.image for group in groups] == ["postgres:16", "postgres:17"]


@pytest.mark.parametrize(
    ("alias", "said"),
    [("nobody", "unknown database 'nobody'"), ("other", "SQLite needs none")],
)
def test_an_image_for_an_alias_without_a_server_is_refused(alias: str, said: str) -> None:
    groups = [
        *group_by_name(Vendor("postgresql"), [DatabasePlan(name="x", aliases=("default",))]),
        *group_by_name(SQLITE, [DatabasePlan(name="y", aliases=("other",))]),
    ]

    with pytest.raises(UsageError, match=said):
        DatabasePlans(tuple(groups), {}).check_images([alias])
