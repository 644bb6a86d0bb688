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
    inputs = checkout.inputs()
    return {name: one for name, one in inputs if name.startswith(("receiver ", "command "))}


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


def _edit_receiver(checkout: Checkout) -> None:
    checkout.replace("shop/management/__init__.py", "return ROWS", "return ROWS + 1")


def _edit_sender(checkout: Checkout) -> None:
    checkout.replace("shop/rows.py", '"shop"', '"plain"')


@pytest.mark.parametrize("edit", [_edit_receiver, _edit_sender])
def test_a_receiver_changes_with_its_text_and_with_the_apps_it_is_told_of(
    checkout: Checkout, edit: Callable[[Checkout], None]
) -> None:
    _connected(
        checkout,
        "from django.apps import apps\n"
        "from shop.rows import SENDER\n"
        "post_migrate.connect(fill, sender=apps.get_app_config(SENDER))\n",
    )
    before = dict(checkout.inputs())

    edit(checkout)

    expected = ["changed: receiver shop.management.fill of post_migrate"]
    assert changed(before, dict(checkout.inputs())) == expected


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
"""


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ("wrapping(fill)", "shop.management.fill"),
        ("functools.partial(fill, more=1)", "shop.management.fill"),
        ("functools.partial(wrapping(fill), more=1)", "shop.management.fill"),
        ("lambda **_: None", "shop.management.<lambda>"),
        ("Filling()", "shop.wrapping.Filling"),
        ("Filling().fill", "shop.wrapping.Filling.fill"),
        ("type('Own', (Filling,), {'__module__': __name__})().fill", "shop.wrapping.Filling.fill"),
    ],
)
def test_any_kind_of_receiver_is_named_by_its_code_and_changes_with_each_module_of_it(
    checkout: Checkout, how: str, name: str
) -> None:
    checkout.write("shop/wrapping.py", WRAPPING)
    imports = "import functools\nfrom shop.wrapping import Filling, wrapping\n"
    _connected(checkout, f"{imports}post_migrate.connect({how}, weak=False)\n")
    before = _hooks(checkout)
    edited = [file for file in ("wrapping.py", "management/__init__.py") if _counts(how, file)]

    for file in edited:
        path = checkout.folder / "shop" / file
        path.write_text(path.read_text() + "# edited\n")
        now = _hooks(checkout)
        assert changed(before, now) == [f"changed: receiver {name} of post_migrate"]
        before = now

    assert list(before) == [f"receiver {name} of post_migrate"]


def _counts(how: str, file: str) -> bool:
    """Whether something in the file is called."""
    if file == "wrapping.py":
        return "Filling" in how or "wrapping" in how
    return "fill, " in how or "(fill)" in how or "lambda" in how or "__module__" in how


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

    checkout.replace("shop/management/commands/migrate.py", "pass", "requires_system_checks = []")

    assert changed(before, _hooks(checkout)) == ["changed: command migrate"]


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
