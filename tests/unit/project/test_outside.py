"""What migrations use from outside their folders is part of the fingerprint."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from unit.checkout import Checkout
from unit.differences import changed

MIGRATION = """
from django.core.management import call_command
from django.db import migrations

from shop.seed import fill


def load(apps, schema_editor):
    call_command("loaddata", LABEL)
    (HERE / "../sql/view.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill), migrations.RunPython(load)]
"""

SEED = """
def fill(apps, schema_editor):
    pass


def other():
    pass
"""


def _with_data(checkout: Checkout, label: str) -> Checkout:
    """The app shop has a migration that uses a module, fixtures and a file."""
    checkout.write("shop/migrations/0002_data.py", MIGRATION.replace("LABEL", repr(label)))
    checkout.write("shop/seed.py", SEED)
    checkout.write("shop/fixtures/pages.json", "[]")
    checkout.write("shop/fixtures/pages.xml.gz", b"\\x1f")
    checkout.write("shop/fixtures/other.json", "[]")
    checkout.write("common/fixtures/more/pages.yaml", "[]")
    checkout.write("shop/sql/view.sql", "SELECT 1")
    checkout.write("shop/sql/other.sql", "SELECT 1")
    checkout.add_settings('FIXTURE_DIRS = [BASE_DIR / "common" / "fixtures"]\n')
    return checkout


USES = "what shop.0002_data uses"


def _after(checkout: Checkout, file: str, text: str = "edited") -> list[str]:
    """What an edit of a file changes."""
    before = dict(checkout.inputs())
    checkout.write(file, text)
    return changed(before, dict(checkout.inputs()))


@pytest.mark.parametrize(
    ("label", "files"),
    [
        ("pages", ["shop/fixtures/pages.json", "shop/fixtures/pages.xml.gz"]),
        ("pages.json", ["shop/fixtures/pages.json", "shop/fixtures/pages.default.json"]),
        ("more/pages", ["common/fixtures/more/pages.yaml"]),
        ("common/fixtures/more/pages.yaml", ["common/fixtures/more/pages.yaml"]),
    ],
)
def test_fixtures_are_found_as_django_finds_them(
    checkout: Checkout, label: str, files: list[str]
) -> None:
    """Also those that were not there."""
    _with_data(checkout, label)

    for file in files:
        assert _after(checkout, file) == [f"changed: {USES}"], file


@pytest.mark.parametrize(
    "file",
    [
        *("shop/fixtures/other.json", "shop/fixtures/pages.json~", "shop/fixtures/.pages.json"),
        *("shop/fixtures/pages.json.orig", "shop/sql/other.sql", "shop/helpers.py"),
    ],
)
def test_other_files_change_nothing(checkout: Checkout, file: str) -> None:
    _with_data(checkout, "pages")

    assert _after(checkout, file) == []


def test_the_text_of_what_is_called_counts_and_no_other(checkout: Checkout) -> None:
    _with_data(checkout, "pages")
    more = f"# More.\n{SEED}\n\ndef more():\n    pass\n"

    assert _after(checkout, "shop/seed.py", more) == []
    assert _after(checkout, "shop/seed.py", more.replace("pass", "1")) == [f"changed: {USES}"]


@pytest.mark.parametrize("path", ["../sql/view.sql", "sql/view.sql", "shop/sql/view.sql"])
def test_a_file_is_found_from_wherever_it_is_named(checkout: Checkout, path: str) -> None:
    """From the folder of the migrations, that of the app, or the current one."""
    _with_data(checkout, "none")
    checkout.replace("shop/migrations/0002_data.py", "../sql/view.sql", path)

    assert _after(checkout, "shop/sql/view.sql") == [f"changed: {USES}"]


def test_a_file_in_the_folder_of_the_migrations_is_one_input(checkout: Checkout) -> None:
    _with_data(checkout, "none")
    checkout.replace("shop/migrations/0002_data.py", "../sql/view.sql", "rows/view.sql")
    checkout.write("shop/migrations/rows/view.sql", "SELECT 1")

    changes = ["changed: migration shop.rows/view.sql"]
    assert _after(checkout, "shop/migrations/rows/view.sql") == changes


def test_a_command_that_a_migration_calls_counts(checkout: Checkout) -> None:
    _with_data(checkout, "pages")
    checkout.replace("shop/migrations/0002_data.py", '"loaddata"', '"fill_shop"')
    checkout.write("shop/management/__init__.py", "")
    checkout.write("shop/management/commands/__init__.py", "")
    command = "shop/management/commands/fill_shop.py"
    checkout.write(command, "class Command:\n    pass\n")

    assert _after(checkout, command, "class Command:\n    x = 1\n") == [f"changed: {USES}"]


def test_the_folder_of_a_checkout_is_in_no_input(
    make_checkout: Callable[[str], Checkout],
) -> None:
    """Nor where it is that of fixtures, too."""
    one, two = (_with_data(make_checkout(name), "pages") for name in ("one", "two"))
    for each in (one, two):
        each.add_settings("FIXTURE_DIRS.append(BASE_DIR)\n")
        each.write("pages.json", "[]")

    assert one.inputs() == two.inputs()


def test_texts_that_are_no_names_of_files_harm_nothing(checkout: Checkout) -> None:
    _with_data(checkout, "pages")
    odd = ["x." * 300, "../" * 400, "a\0.b", ".", "..", "/", "a//b.c", ".json", "\ud800.x"]
    text = (checkout.folder / "shop/migrations/0002_data.py").read_text()
    before = dict(checkout.inputs())

    checkout.write("shop/migrations/0002_data.py", f"{text}\nODD = {odd!a}\n")

    changes = ["changed: migration shop.0002_data"]
    assert changed(before, dict(checkout.inputs())) == changes
