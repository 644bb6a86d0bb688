"""What is called when a database is migrated is part of its fingerprint."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from unit.checkout import Checkout
from unit.differences import changed

FILL = """
from django.db.models.signals import post_migrate, pre_migrate
from shop.rows import ROWS

def fill(**_):
    return ROWS

"""

ROWS = """
ROWS = 1
SENDER = "shop"
"""

COMMAND = """
from django.core.management.commands.migrate import Command as Own

class Command(Own):
    pass
"""


def _connected(checkout: Checkout, how: str) -> Checkout:
    """The app shop has a receiver in the module that Django imports when it migrates."""
    checkout.write("shop/rows.py", ROWS)
    checkout.write("shop/management/__init__.py", FILL + how)
    return checkout


def _hooks(checkout: Checkout) -> dict[str, str]:
    """The inputs of what is called, and of its code."""
    kinds = ("receiver ", "command ", "code ")
    return {name: one for name, one in checkout.inputs() if name.startswith(kinds)}


def test_a_project_that_is_not_told_of_migrations_has_no_input_for_that(
    checkout: Checkout,
) -> None:
    assert _hooks(checkout) == {}


@pytest.mark.parametrize("signal", ["pre_migrate", "post_migrate"])
def test_a_receiver_that_a_management_module_connects_is_an_input(
    checkout: Checkout, signal: str
) -> None:
    _connected(checkout, f"{signal}.connect(fill)")

    assert list(_hooks(checkout)) == [
        f"receiver shop.management.fill of {signal}",
        "code of shop.management",
    ]


def _edit_receiver(checkout: Checkout) -> None:
    checkout.replace("shop/management/__init__.py", "return ROWS", "return ROWS + 1")


def _edit_sender(checkout: Checkout) -> None:
    checkout.replace("shop/rows.py", '"shop"', '"plain"')


@pytest.mark.parametrize(
    ("edit", "changes"),
    [
        (_edit_receiver, "code of shop.management"),
        (_edit_sender, "receiver shop.management.fill of post_migrate"),
    ],
)
def test_a_receiver_s_text_counts_and_the_apps_it_is_told_of(
    checkout: Checkout, edit: Callable[[Checkout], None], changes: str
) -> None:
    _connected(
        checkout,
        "from django.apps import apps\n"
        "from shop.rows import SENDER\n"
        "post_migrate.connect(fill, sender=apps.get_app_config(SENDER))\n",
    )
    before = _hooks(checkout)

    edit(checkout)

    assert changed(before, _hooks(checkout)) == [f"changed: {changes}"]


def test_what_a_receiver_s_module_imports_is_an_input_only_if_it_is_named(
    checkout: Checkout,
) -> None:
    _connected(checkout, "post_migrate.connect(fill)")
    before = dict(checkout.inputs(files=("shop/rows.py",)))

    checkout.replace("shop/rows.py", "ROWS = 1", "ROWS = 2")

    now = dict(checkout.inputs(files=("shop/rows.py",)))
    assert changed(before, now) == ["changed: file shop/rows.py"]


WRAPPING = """
import functools

def wrapping(function):
    @functools.wraps(function)
    def wrapper(**kwargs):
        return function(**kwargs)
    return wrapper

class Filling:
    def __call__(self, **_):
        pass

    def fill(self, **_):
        pass

    @classmethod
    def make(cls, **_):
        pass

class Anything:
    def __getattr__(self, name):
        return self

    def __call__(self, **_):
        pass
"""


HERE, THERE = "shop.management", "shop.wrapping"


@pytest.mark.parametrize(
    ("how", "name", "modules"),
    [
        ("wrapping(fill)", f"{HERE}.fill", [HERE, THERE]),
        ("functools.partial(fill, more=1)", f"{HERE}.fill", [HERE]),
        ("functools.partial(wrapping(fill), more=1)", f"{HERE}.fill", [HERE, THERE]),
        ("lambda **_: None", f"{HERE}.<lambda>", [HERE]),
        ("Filling()", f"{THERE}.Filling", [THERE]),
        ("Filling().fill", f"{THERE}.Filling.fill", [THERE]),
        ("Own().fill", f"{THERE}.Filling.fill", [HERE, THERE]),
        ("Own.make", f"{THERE}.Filling.make", [HERE, THERE]),
        ("functools.cache(fill)", f"{HERE}.fill", [HERE]),
        ("Filling", f"{THERE}.Filling", [THERE]),
        ("[].append", "builtins.builtin_function_or_method", []),
        ("unittest.mock.MagicMock()", "unittest.mock.MagicMock", []),
        ("Anything()", f"{THERE}.Anything", [THERE]),
    ],
)
def test_any_kind_of_receiver_is_named_by_its_code_and_each_module_of_it_counts(
    checkout: Checkout, how: str, name: str, modules: list[str]
) -> None:
    checkout.write("shop/wrapping.py", WRAPPING)
    _connected(
        checkout,
        "import functools, unittest.mock\n"
        "from shop.wrapping import Anything, Filling, wrapping\n"
        "class Own(Filling):\n    pass\n"
        f"post_migrate.connect({how}, weak=False)\n",
    )

    assert list(_hooks(checkout)) == [
        f"receiver {name} of post_migrate",
        *(f"code of {module}" for module in modules),
    ]


def test_a_receiver_of_django_s_own_has_no_text_of_its_own(checkout: Checkout) -> None:
    """Django's version is an input."""
    checkout.add_settings('INSTALLED_APPS += ["django.contrib.contenttypes"]\n')
    management = "django.contrib.contenttypes.management"

    assert list(_hooks(checkout)) == [
        f"receiver {management}.inject_rename_contenttypes_operations of pre_migrate",
        f"receiver {management}.create_contenttypes of post_migrate",
    ]


def test_an_app_that_comes_later_leaves_the_receivers_for_every_app_as_they_were(
    checkout: Checkout,
) -> None:
    _connected(checkout, "post_migrate.connect(fill)")
    before = _hooks(checkout)

    checkout.add_settings('INSTALLED_APPS += ["django.contrib.sessions"]\n')

    assert _hooks(checkout) == before


def test_a_command_in_the_place_of_django_s_is_an_input(checkout: Checkout) -> None:
    checkout.write("shop/management/__init__.py", "")
    checkout.write("shop/management/commands/__init__.py", "")
    checkout.write("shop/management/commands/migrate.py", COMMAND)
    before = _hooks(checkout)
    module = "shop.management.commands.migrate"

    checkout.replace("shop/management/commands/migrate.py", "pass", "requires_system_checks = []")

    assert list(before) == ["command migrate", f"code of {module}"]
    assert changed(before, _hooks(checkout)) == [f"changed: code of {module}"]


def test_the_folder_of_a_checkout_changes_no_receiver(
    checkout: Checkout, make_checkout: Callable[[str], Checkout]
) -> None:
    one, two = (
        _connected(each, "post_migrate.connect(fill)")
        for each in (checkout, make_checkout("elsewhere"))
    )

    assert _hooks(one) == _hooks(two)


def test_a_management_module_that_cannot_be_imported_is_the_project_s_error(
    checkout: Checkout,
) -> None:
    checkout.write("shop/management/__init__.py", "import none_such\n")

    kind, message, _ = checkout.ask(group="postgresql")["error"]

    assert (kind, "none_such" in message) == ("ModuleNotFoundError", True)


ROUTER = """
class Router:
    def allow_migrate(self, db, app_label, **hints):
        return None
"""

ENGINE = """
from django.db.backends.postgresql import base
from engine.creation import Creation

class DatabaseWrapper(base.DatabaseWrapper):
    creation_class = Creation
"""

CREATION = """
from django.db.backends.postgresql.creation import DatabaseCreation

class Creation(DatabaseCreation):
    pass
"""


def test_the_text_of_a_router_counts(checkout: Checkout) -> None:
    """It decides which tables there are."""
    checkout.write("shop/routing.py", ROUTER)
    checkout.add_settings('DATABASE_ROUTERS = ["shop.routing.Router"]\n')
    before = dict(checkout.inputs())

    checkout.replace("shop/routing.py", "return None", "return False")

    assert changed(before, dict(checkout.inputs())) == ["changed: code of shop.routing"]


def test_the_text_of_a_backend_of_the_project_s_own_counts(checkout: Checkout) -> None:
    checkout.write("engine/__init__.py", "")
    checkout.write("engine/base.py", ENGINE)
    checkout.write("engine/creation.py", CREATION)
    checkout.add_settings('DATABASES["default"]["ENGINE"] = "engine"\n')
    before = dict(checkout.inputs())

    checkout.replace("engine/creation.py", "pass", "def sql(self): pass")

    assert {"code of engine.base", "code of engine.creation"} <= set(before)
    assert changed(before, dict(checkout.inputs())) == ["changed: code of engine.creation"]


def test_the_text_of_the_class_of_a_field_counts_where_a_table_is_made_from_it(
    checkout: Checkout,
) -> None:
    checkout.write(
        "plain/fields.py",
        "from django.db import models\n\n\nclass Money(models.IntegerField):\n    pass\n",
    )
    checkout.replace("plain/models.py", "number = models.IntegerField(", "number = Money(")
    checkout.replace("plain/models.py", "def code", "from plain.fields import Money\n\ndef code")
    before = dict(checkout.inputs())

    checkout.replace("plain/fields.py", "pass", "def db_type(self, _): return 'numeric'")

    assert changed(before, dict(checkout.inputs())) == ["changed: code of plain.fields"]
