"""The working tree is compared with a revision in Git, without a checkout."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from unit.impact.made_project import MadeProject, hints, project, ran

from ctest_containers.errors import UsageError
from ctest_containers.impact.changes import Changes
from ctest_containers.impact.loaded import Loaded
from ctest_containers.impact.revision import Revision, changes_from
from ctest_containers.usage.model import Usage

__all__ = ["project"]

ONE, TWO = "test shop.tests.OrderTests.test_one", "test shop.tests.OrderTests.test_two"

MODELS = """
    from shop.money import TAX

    def total():
        return TAX

    def other():
        return 1
"""
MONEY = "TAX = 2\n"


def git(shop: MadeProject, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=shop.folder, check=True, capture_output=True)


@pytest.fixture
def shop(project: MadeProject, monkeypatch: pytest.MonkeyPatch) -> MadeProject:
    monkeypatch.chdir(project.folder)
    project.write(models=MODELS, money=MONEY)
    (project.folder / "data").mkdir()
    (project.folder / "data" / "a.json").write_text("1")
    git(project, "init", "-b", "main")
    git(project, "add", ".")
    git(project, "commit", "-m", "First")
    project.record({ONE: ran("models.total"), TWO: ran("models.other")})
    return project


def changes(shop: MadeProject, name: str = "main") -> Changes:
    today = shop.today()
    paths = replace(today.paths, project=str(shop.folder), checkout=str(shop.folder))
    today = replace(today, paths=paths)
    return changes_from(Revision.find(name, shop.folder), shop.inputs, today)


def affected(shop: MadeProject, name: str = "main") -> list[str]:
    selection = shop.select(changes=changes(shop, name))
    return sorted(test.rpartition(".")[2] for test in selection.affected)


def test_nothing_differs_from_a_revision_that_is_checked_out(shop: MadeProject) -> None:
    assert not changes(shop)


def test_a_definition_that_differs_selects_its_tests(shop: MadeProject) -> None:
    shop.write(models=MODELS.replace("return 1", "return 2"))
    assert affected(shop) == ["test_two"]

    git(shop, "commit", "-am", "Second")
    shop.record(shop.units)
    assert shop.affected() == {}
    assert affected(shop, "HEAD") == []
    assert affected(shop, "HEAD~1") == ["test_two"]


def test_a_removed_module_and_a_new_one_differ(shop: MadeProject) -> None:
    (shop.folder / "shop" / "money.py").unlink()
    shop.write(rates="TAX = 2\n", models=MODELS.replace("shop.money", "shop.rates"))
    assert affected(shop) == ["test_one"]

    git(shop, "add", ".")
    git(shop, "commit", "-m", "Second")
    shop.record(shop.units)
    assert affected(shop, "HEAD~1") == ["test_one"]


def test_a_new_module_with_effects_selects_everything(shop: MadeProject) -> None:
    shop.write(more="print(1)\n")

    assert changes(shop).everything == ("shop.more is imported now",)


def test_files_are_compared_by_their_names(shop: MadeProject) -> None:
    shop.record(
        {
            ONE: Usage(files=frozenset({"data/a.json"}), paths=frozenset({"data/b.json", "data"})),
            TWO: Usage(folders=frozenset({"data"}), matches=frozenset({"data/*.csv"})),
        }
    )
    (shop.folder / "data" / "a.json").write_text("2")
    assert affected(shop) == ["test_one"]

    (shop.folder / "data" / "b.json").write_text("2")
    assert affected(shop) == ["test_one", "test_two"]

    git(shop, "checkout", "data/a.json")
    (shop.folder / "data" / "b.json").rename(shop.folder / "data" / "c.csv")
    selection = shop.select(changes=changes(shop)).affected
    assert selection["shop.tests.OrderTests.test_two"] == (
        "the files in data changed",
        "the files like data/*.csv changed",
    )


def test_settings_that_django_reads_once_count_for_all_tests(shop: MadeProject) -> None:
    shop.loaded = replace(
        hints(settings=frozenset({"shop.settings"})), settings=frozenset({"LANGUAGE_CODE"})
    )
    shop.write(settings="LANGUAGE_CODE = 'de'\nSHOP_OLD = 1\n")
    git(shop, "add", ".")
    git(shop, "commit", "-m", "Second")
    shop.record(shop.units)

    shop.write(settings="LANGUAGE_CODE = 'fr'\n")

    everything = ("the setting LANGUAGE_CODE changed", "the setting SHOP_OLD changed")
    assert changes(shop).everything == everything


def test_settings_are_compared_by_what_computes_them(shop: MadeProject) -> None:
    settings = "from shop.money import TAX\nSHOP_TAX = TAX\nSHOP_NAME = 'a'\nSHOP_AT = make()\n"
    settings += "\ndef make():\n    return 1\n"
    shop.loaded = replace(
        hints(settings=frozenset({"shop.settings"})),
        settings=frozenset({"SHOP_TAX", "SHOP_NAME", "SHOP_AT"}),
    )
    shop.write(settings=settings)
    git(shop, "add", ".")
    git(shop, "commit", "-m", "Settings")

    assert changes(shop).others["settings"] == set()
    shop.write(money="TAX = 3\n")
    assert changes(shop).others["settings"] == {"SHOP_TAX"}
    shop.write(money=MONEY, settings=settings.replace("return 1", "return 2"))
    assert changes(shop).others["settings"] == {"SHOP_AT"}
    shop.write(settings=settings.replace("'a'", "'b'"))
    assert changes(shop).others["settings"] == {"SHOP_NAME"}


def test_a_new_model_differs_in_the_tables_to_which_it_refers(shop: MadeProject) -> None:
    order, item = ("shop.models", "Order"), ("shop.models", "Item")
    text = MODELS + "\n    class Order: pass\n"
    shop.write(models=text)
    git(shop, "commit", "-am", "Order")
    shop.loaded = Loaded(tables={"shop_order": frozenset({order})}, models={})
    assert changes(shop).tables == set()

    shop.write(models=text + "\n    class Item: pass\n")
    shop.loaded = Loaded(
        tables={"shop_order": frozenset({order, item}), "shop_other": frozenset({order})},
        models={"shop.order": frozenset({order}), "shop.item": frozenset({item})},
    )
    assert changes(shop).tables == {"shop_order"}
    assert changes(shop).labels == {"shop.item"}


def test_conftests_and_compiled_modules_are_known_by_their_names(shop: MadeProject) -> None:
    (shop.folder / "shop" / "conftest.py").write_text("")
    (shop.folder / "shop" / "fast.so").write_text("")

    found = changes(shop)
    assert found.conftests == {"shop/conftest.py"}
    assert found.everything == ("the compiled module shop/fast.so changed",)


def test_migrations_differ_from_the_recording_or_not(shop: MadeProject) -> None:
    folder = shop.folder / "shop" / "migrations"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "0001_initial.py").write_text("1\n")
    git(shop, "add", ".")
    git(shop, "commit", "-m", "Migrations")
    shop.loaded = Loaded(migrations=("shop.migrations",))
    shop.record(shop.units)

    (folder / "0001_initial.py").write_text("2\n")
    (folder / "0002_more.py").write_text("2\n")
    # The recording's databases are those of the revision.
    assert changes(shop).everything == ()
    shop.record(shop.units)
    assert changes(shop).everything == (
        "the migration shop.migrations.0001_initial differs from main and from the recording",
        "the migration shop.migrations.0002_more differs from main and from the recording",
    )


@pytest.mark.parametrize("name", ["nowhere", "-v", "shop.tests"])
def test_an_unknown_revision_is_an_error(shop: MadeProject, name: str) -> None:
    with pytest.raises(UsageError, match="no such revision"):
        Revision.find(name, shop.folder)


def test_a_folder_without_a_repository_is_an_error(project: MadeProject) -> None:
    with pytest.raises(UsageError, match="not in a Git repository"):
        Revision.find("main", project.folder)
