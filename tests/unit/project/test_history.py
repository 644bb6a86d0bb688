"""Which new migrations must not follow those that a database has had."""

from __future__ import annotations

from unit.checkout import Checkout

MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = {dependencies}
    replaces = {replaces}
    run_before = {run_before}
    operations = {operations}
"""

ROWS = "[migrations.RunPython(migrations.RunPython.noop)]"


def add_migration(
    checkout: Checkout,
    app: str,
    name: str,
    *dependencies: tuple[str, str],
    replaces: tuple[tuple[str, str], ...] = (),
    run_before: tuple[tuple[str, str], ...] = (),
    operations: str = "[]",
) -> None:
    text = MIGRATION.format(
        dependencies=list(dependencies),
        replaces=list(replaces),
        run_before=list(run_before),
        operations=operations,
    )
    checkout.write(f"{app}/migrations/{name}.py", text)


def misplaced(checkout: Checkout, *added: str) -> list[str]:
    """Those of the added migrations that must not follow the others."""
    found: list[str] = checkout.ask(added=added)["misplaced"]
    return found


def test_a_migration_at_the_end_follows_all_others(checkout: Checkout) -> None:
    add_migration(checkout, "shop", "0002_name", ("shop", "0001_initial"))

    assert misplaced(checkout, "shop.0002_name") == []


def test_a_migration_of_another_app_may_come_before(checkout: Checkout) -> None:
    """No table of one app is made by migrations of the other."""
    checkout.add_settings('\nINSTALLED_APPS = ["early", "shop"]\n')
    checkout.write("early/__init__.py", "")
    checkout.write("early/migrations/__init__.py", "")
    add_migration(checkout, "early", "0001_initial")

    assert misplaced(checkout, "early.0001_initial") == []


def test_rows_are_changed_in_the_order_of_all_migrations(checkout: Checkout) -> None:
    checkout.add_settings('\nINSTALLED_APPS = ["early", "shop"]\n')
    checkout.write("early/__init__.py", "")
    checkout.write("early/migrations/__init__.py", "")
    add_migration(checkout, "early", "0001_rows", operations=ROWS)
    add_migration(checkout, "shop", "0002_rows", ("shop", "0001_initial"), operations=ROWS)

    assert misplaced(checkout, "early.0001_rows") == ["early.0001_rows"]
    assert misplaced(checkout, "shop.0002_rows") == []
    assert misplaced(checkout, "early.0001_rows", "shop.0001_initial", "shop.0002_rows") == []


def test_of_two_branches_that_were_merged_one_comes_before_the_other(checkout: Checkout) -> None:
    add_migration(checkout, "shop", "0002_z", ("shop", "0001_initial"))
    add_migration(checkout, "shop", "0002_a", ("shop", "0001_initial"))
    add_migration(checkout, "shop", "0003_merge", ("shop", "0002_a"), ("shop", "0002_z"))

    assert misplaced(checkout, "shop.0002_z", "shop.0003_merge") == ["shop.0002_z"]
    assert misplaced(checkout, "shop.0002_a", "shop.0003_merge") == []


def test_a_squashed_migration_never_follows_others(checkout: Checkout) -> None:
    checkout.add_settings('\nINSTALLED_APPS = ["late", "shop"]\n')
    checkout.write("late/__init__.py", "")
    checkout.write("late/migrations/__init__.py", "")
    add_migration(
        checkout, "shop", "0001_squashed", replaces=(("shop", "0001_initial"), ("shop", "0002_b"))
    )
    add_migration(checkout, "late", "0001_initial", ("shop", "0001_squashed"))

    assert misplaced(checkout, "shop.0001_squashed") == ["shop.0001_squashed"]


def test_a_migration_that_wants_to_run_before_another_never_follows_it(
    checkout: Checkout,
) -> None:
    checkout.add_settings('\nINSTALLED_APPS = ["late", "shop"]\n')
    checkout.write("late/__init__.py", "")
    checkout.write("late/migrations/__init__.py", "")
    add_migration(checkout, "late", "0001_initial", run_before=(("shop", "0001_initial"),))

    assert misplaced(checkout, "late.0001_initial") == ["late.0001_initial"]


def test_files_beside_migrations_are_not_in_the_graph(checkout: Checkout) -> None:
    assert misplaced(checkout, "shop.__init__") == []


def test_the_migrations_of_a_database_are_told_in_their_order(checkout: Checkout) -> None:
    add_migration(checkout, "shop", "0002_name", ("shop", "0001_initial"))

    found = checkout.ask(added=("shop.0002_name",))["migrations"]

    assert found == ["shop.0001_initial", "shop.0002_name"]


def test_a_database_that_is_not_migrated_must_have_had_none(checkout: Checkout) -> None:
    checkout.add_settings('\nDATABASES["default"]["TEST"] = {"MIGRATE": False}\n')

    assert checkout.ask(added=("shop.0001_initial",))["migrations"] == []
