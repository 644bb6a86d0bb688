"""What is called when a database is migrated is part of its key; what it does is recorded."""

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
    """The inputs of what is called."""
    kinds = ("receiver ", "command ")
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

    assert list(_hooks(checkout)) == [f"receiver shop.management.fill of {signal}"]


def test_the_apps_count_that_a_receiver_is_connected_for(checkout: Checkout) -> None:
    _connected(
        checkout,
        "from django.apps import apps\n"
        "from shop.rows import SENDER\n"
        "post_migrate.connect(fill, sender=apps.get_app_config(SENDER))\n",
    )
    before = _hooks(checkout)

    checkout.replace("shop/rows.py", '"shop"', '"plain"')

    receiver = "receiver shop.management.fill of post_migrate"
    assert changed(before, _hooks(checkout)) == [f"changed: {receiver}"]


@pytest.mark.parametrize(
    ("how", "before", "after"),
    [
        ("functools.partial(fill, rows=1)", "rows=1", "rows=2"),
        ("functools.partial(fill, rows={'a': [fill]})", "[fill]", "[FILL]"),
        ("Filling(1)", "(1)", "(2)"),
        ("Filling(1).fill", "(1)", "(2)"),
        ("functools.partial(Filling(Filling(1)).fill)", "(1)", "(2)"),
    ],
)
def test_values_that_are_part_of_a_receiver_count(
    checkout: Checkout, how: str, before: str, after: str
) -> None:
    _connected(
        checkout,
        "import functools\n"
        "FILL = fill\n"
        "class FILL: pass\n"
        "class Filling:\n"
        "    def __init__(self, rows):\n        self.rows = rows\n"
        "    def __call__(self, **_): pass\n"
        "    def fill(self, **_): pass\n"
        f"post_migrate.connect({how}, weak=False)\n",
    )
    earlier = _hooks(checkout)

    checkout.replace("shop/management/__init__.py", before, after)

    assert len(changed(earlier, _hooks(checkout))) == 1
    checkout.replace("shop/management/__init__.py", after, before)
    assert _hooks(checkout) == earlier


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
    ("how", "name"),
    [
        ("wrapping(fill)", f"{HERE}.fill"),
        ("functools.partial(fill, more=1)", f"{HERE}.fill"),
        ("functools.partial(wrapping(fill), more=1)", f"{HERE}.fill"),
        ("lambda **_: None", f"{HERE}.<lambda>"),
        ("Filling()", f"{THERE}.Filling"),
        ("Filling().fill", f"{THERE}.Filling.fill"),
        ("Own().fill", f"{THERE}.Filling.fill"),
        ("Own.make", f"{THERE}.Filling.make"),
        ("functools.cache(fill)", f"{HERE}.fill"),
        ("Filling", f"{THERE}.Filling"),
        ("[].append", "builtins.builtin_function_or_method"),
        ("unittest.mock.MagicMock()", "unittest.mock.MagicMock"),
        ("Anything()", f"{THERE}.Anything"),
    ],
)
def test_any_kind_of_receiver_is_named_by_its_code(checkout: Checkout, how: str, name: str) -> None:
    checkout.write("shop/wrapping.py", WRAPPING)
    _connected(
        checkout,
        "import functools, unittest.mock\n"
        "from shop.wrapping import Anything, Filling, wrapping\n"
        "class Own(Filling):\n    pass\n"
        f"post_migrate.connect({how}, weak=False)\n",
    )

    hooks = _hooks(checkout)

    assert list(hooks) == [f"receiver {name} of post_migrate"]
    assert _hooks(checkout) == hooks


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

    assert list(_hooks(checkout)) == ["command migrate"]


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
