"""What code looks up without naming it, and what it may call, are connections as well."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from unit.impact.made_project import MadeProject, project, ran

from ctest_containers.impact.data_files import data_files
from ctest_containers.usage.model import Usage

__all__ = ["project"]

ONE, TWO = "test shop.tests.OrderTests.test_one", "test shop.tests.OrderTests.test_two"

TOTALS = """
    import importlib
    from django.conf import settings
    from shop.boxes import make

    RATES = importlib.import_module("shop.rates")
    TAX = getattr(settings, "TAX", 1)
    ROWS = []
    FIRST = ROWS.append(1)
    CACHE = {}

    def _build():
        return 1

    BUILT = _build()
    del _build

    def total():
        return RATES

    def tax():
        return TAX

    def rows():
        return ROWS

    def built():
        return BUILT

    def remembered():
        if not CACHE:
            CACHE["box"] = make().size()
        return CACHE["box"]

    def named(name):
        return globals()[name]
"""

BOXES = """
    class Base:
        def size(self):
            return self.inner()

    class Box(Base):
        def inner(self):
            return 1

        def other(self):
            return 2

    def make():
        return Box()
"""


@pytest.mark.parametrize(
    ("function", "module", "before", "after"),
    [
        ("total", "rates", "RATE = 1", "RATE = 2"),
        ("rows", "totals", "append(1)", "append(2)"),
        ("built", "totals", "return 1\n\n    BUILT", "return 2\n\n    BUILT"),
        ("remembered", "boxes", "return 1", "return 3"),
        ("named", "totals", "append(1)", "append(2)"),
    ],
)
def test_a_test_depends_on_what_its_code_looks_up_or_has_kept(
    project: MadeProject, function: str, module: str, before: str, after: str
) -> None:
    texts = {"totals": TOTALS, "boxes": BOXES, "rates": "RATE = 1\n"}
    project.write(**texts)
    project.record({ONE: ran(f"totals.{function}"), TWO: Usage()})
    assert project.affected() == {}

    project.write(**{**texts, module: texts[module].replace(before, after)})

    assert "test_one" in project.affected()


def test_a_cached_answer_does_not_depend_on_methods_that_nothing_names(
    project: MadeProject,
) -> None:
    texts = {"totals": TOTALS, "boxes": BOXES, "rates": ""}
    project.write(**texts)
    project.record({ONE: ran("totals.remembered"), TWO: Usage()})

    project.write(**{**texts, "boxes": BOXES.replace("return 2", "return 3")})

    assert project.affected() == {}


def test_a_condition_that_chooses_an_import_counts_for_all_tests(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = """
        import os

        if os.environ.get("SHOP_FAST"):
            from shop.fast import speed
        else:
            from shop.slow import speed
    """
    function = "def speed():\n    return 1\n"
    project.write(speeds=speeds, fast=function, slow=function)
    project.record({ONE: ran("slow.speed"), TWO: Usage()})
    assert project.affected() == {}

    monkeypatch.setenv("SHOP_FAST", "1")

    assert project.affected().keys() == {"test_one", "test_two"}


@pytest.mark.parametrize("in_git", [True, False])
def test_data_files_are_neither_sources_nor_templates_nor_of_tools(
    tmp_path: Path, *, in_git: bool
) -> None:
    for name in (
        *("data/prices.csv", "flag", ".env", "shop/models.py", "shop/templates/shop/page.html"),
        *("node_modules/a.json", ".cache/b.json", "run.log", "locale/de/django.mo", "page.html"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    if in_git:
        (tmp_path / ".gitignore").write_text(".env\nnode_modules\n")
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)

    expected = [".env", "data/prices.csv", "flag", "locale/de/django.mo", "page.html"]
    assert list(data_files(str(tmp_path))) == expected
