"""What migrations use from outside their folders is part of the fingerprint."""

from __future__ import annotations

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


def _with_data(checkout: Checkout, label: str) -> Checkout:
    """The app shop has a migration that uses a module, fixtures and a file."""
    checkout.write("shop/migrations/0002_data.py", MIGRATION.replace("LABEL", repr(label)))
    checkout.write("shop/seed.py", "def fill(apps, schema_editor): pass\n")
    checkout.write("shop/fixtures/pages.json", "[]")
    checkout.write("shop/fixtures/pages.xml.gz", b"\\x1f")
    checkout.write("shop/fixtures/other.json", "[]")
    checkout.write("common/fixtures/more/pages.yaml", "[]")
    checkout.write("shop/sql/view.sql", "SELECT 1")
    checkout.write("shop/sql/other.sql", "SELECT 1")
    checkout.add_settings('FIXTURE_DIRS = [BASE_DIR / "common" / "fixtures"]\n')
    return checkout


def _outside(checkout: Checkout) -> dict[str, str]:
    kinds = ("module ", "data ")
    return {name: one for name, one in checkout.inputs() if name.startswith(kinds)}


@pytest.mark.parametrize(
    ("label", "fixtures"),
    [
        ("pages", ["shop/fixtures/pages.json", "shop/fixtures/pages.xml.gz"]),
        ("pages.json", ["shop/fixtures/pages.json", "shop/fixtures/pages.xml.gz"]),
        ("more/pages", ["fixtures/more/pages.yaml"]),
        ("common/fixtures/more/pages.yaml", ["common/fixtures/more/pages.yaml"]),
        ("none", []),
    ],
)
def test_a_module_that_is_called_and_the_files_that_are_named_are_inputs(
    checkout: Checkout, label: str, fixtures: list[str]
) -> None:
    _with_data(checkout, label)

    names = [*fixtures, "shop/sql/view.sql"]
    expected = ["module shop.seed", *(f"data {name}" for name in sorted(names))]
    assert list(_outside(checkout)) == expected


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("shop/seed.py", "module shop.seed"),
        ("shop/fixtures/pages.json", "data shop/fixtures/pages.json"),
        ("shop/sql/view.sql", "data shop/sql/view.sql"),
    ],
)
def test_each_of_them_changes_its_input_and_other_files_change_none(
    checkout: Checkout, file: str, name: str
) -> None:
    _with_data(checkout, "pages")
    before = _outside(checkout)

    checkout.write(file, "# edited")
    checkout.write("shop/fixtures/other.json", "edited")
    checkout.write("shop/models.py", (checkout.folder / "shop/models.py").read_text() + "# edited")

    assert changed(before, _outside(checkout)) == [f"changed: {name}"]


@pytest.mark.parametrize("path", ["../sql/view.sql", "sql/view.sql", "shop/sql/view.sql"])
def test_a_file_has_one_name_from_wherever_it_is_named(checkout: Checkout, path: str) -> None:
    """From the folder of the migrations, that of the app, or the current one."""
    _with_data(checkout, "none")
    checkout.replace("shop/migrations/0002_data.py", "../sql/view.sql", path)

    assert [name for name in _outside(checkout) if name.startswith("data ")] == [
        "data shop/sql/view.sql"
    ]


def test_a_file_in_the_folder_of_the_migrations_is_one_input(checkout: Checkout) -> None:
    _with_data(checkout, "none")
    checkout.replace("shop/migrations/0002_data.py", "../sql/view.sql", "rows/view.sql")
    checkout.write("shop/migrations/rows/view.sql", "SELECT 1")

    names = [name for name, _ in checkout.inputs() if "view.sql" in name]

    assert names == ["migration shop.rows/view.sql"]
