"""An import that changes what is registered counts for all tests, though none names it."""

from __future__ import annotations

import subprocess

import pytest
from unit.impact.made_project import MadeProject, project, ran

from ctest_containers.impact.revision import Revision, changes_from
from ctest_containers.usage.model import IMPORT, Usage

__all__ = ["project"]

ONE = "test shop.tests.OrderTests.test_one"

MODELS = """
    import shop.signals
    from shop import rates

    def total():
        return 1
"""
WITHOUT = "def total():\n    return 1\n"
SIGNALS = "from django.dispatch import receiver\n\n@receiver(None)\ndef log():\n    pass\n"


@pytest.fixture
def shop(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch, configured_django: None
) -> MadeProject:
    del configured_django
    monkeypatch.chdir(project.folder)
    project.write(models=MODELS, signals=SIGNALS, rates="TAX = 2\n", views="")
    project.record({ONE: ran("models.total"), f"{IMPORT}shop.views": Usage()})
    return project


def test_an_import_that_is_removed(shop: MadeProject) -> None:
    shop.write(models=WITHOUT)
    # The process that selects does not load the module any longer.
    shop.lazy = frozenset({"shop.signals"})

    assert shop.select().everything == ("shop.models no longer imports shop.signals",)


def test_a_removed_import_of_what_imports_it(shop: MadeProject) -> None:
    shop.write(models="import shop.rates\n\ndef total():\n    return 1\n", rates=MODELS)
    shop.record(shop.units)
    shop.write(models=WITHOUT)
    shop.lazy = frozenset({"shop.signals", "shop.rates"})

    assert shop.select().everything == ("shop.models no longer imports shop.signals",)


def test_another_module_still_imports_it(shop: MadeProject) -> None:
    shop.write(models=WITHOUT)

    assert shop.affected() == {}


def test_a_module_that_registers_nothing_may_come_and_go(shop: MadeProject) -> None:
    shop.write(models=MODELS.replace("from shop import rates", ""), views="import shop.prices")
    shop.write(prices="TAX = 2\n")
    shop.lazy = frozenset({"shop.rates", "shop.views", "shop.prices"})

    assert shop.affected() == {}


def test_an_import_in_a_module_that_is_loaded_later(shop: MadeProject) -> None:
    shop.write(views="import shop.handlers", handlers=SIGNALS)
    shop.lazy = frozenset({"shop.views", "shop.handlers"})

    assert shop.select().everything == ("shop.handlers is imported now",)


@pytest.mark.parametrize("is_removed", [True, False])
def test_imports_are_compared_with_a_revision(shop: MadeProject, *, is_removed: bool) -> None:
    before, now = (MODELS, WITHOUT) if is_removed else (WITHOUT, MODELS)
    shop.write(models=before)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (["init", "-b", "main"], ["add", "."], ["commit", "-m", "First"]):
        subprocess.run(["git", *identity, *command], check=True, capture_output=True)
    shop.write(models=now)
    if is_removed:
        shop.lazy = frozenset({"shop.signals"})

    changes = changes_from(Revision.find("main", shop.folder), shop.inputs, shop.today())

    words = "shop.models no longer imports shop.signals"
    assert changes.everything == ((words,) if is_removed else ("shop.signals is imported now",))
