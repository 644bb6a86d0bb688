"""What modules do when they are imported counts for all tests; what they define does not."""

from __future__ import annotations

import pytest
from unit.impact.made_project import MadeProject, hints, project, ran

from ctest_containers.impact.loaded import Loaded
from ctest_containers.usage.model import Usage

__all__ = ["project"]

BEFORE = """
    import functools, logging, re
    from django.contrib.auth.decorators import login_required
    from django.dispatch import receiver
    from django.test import tag
    from shop.registry import registry, register

    logger = logging.getLogger(__name__)
    LIMIT = 3
    PATTERN = re.compile("a+")
    OWN = {"a": 1}

    @receiver(SIGNAL)
    def handle(sender, **kwargs):
        return 1

    @login_required
    def view(request):
        return 1

    class Plain:
        limit = 3

        @functools.cached_property
        def answer(self):
            return 1

    class Hooked:
        limit = 3

    if LIMIT:
        NAME = "a"
    else:
        NAME = "b"

    def plain():
        return 1
"""

REGISTRY = """
    LIMITS = [1]

    class Registry:
        def add(self, name):
            return name

    registry = Registry()

    def register(thing):
        return thing
"""


@pytest.fixture
def shop(project: MadeProject) -> MadeProject:
    project.loaded = hints(hooked={"shop.views": frozenset({"Hooked"})})
    project.write(views=BEFORE, registry=REGISTRY)
    project.record({"test shop.tests.OrderTests.test_one": Usage()})
    assert project.affected() == {}
    return project


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ('re.compile("a+")', 're.compile("b+")'),
        ('OWN = {"a": 1}', 'OWN = {"a": 1}\n    OWN["b"] = 2'),
        ("def view(request):\n        return 1", "def view(request):\n        return 2"),
        (
            "def handle(sender, **kwargs):\n        return 1",
            "def handle(sender, **kw):\n        pass",
        ),
        ("class Plain:\n        limit = 3", "class Plain:\n        limit = 4"),
        ("@login_required\n", "@functools.lru_cache\n    @login_required\n"),
        ('NAME = "b"', 'NAME = "c"'),
        ("import functools, logging, re", "import functools, logging, re, json"),
        ("def plain()", "@tag('slow')\n    def plain()"),
        ("def plain()", "def more(): pass\n\n    def plain()"),
    ],
)
def test_a_definition_that_no_test_uses_selects_nothing(
    shop: MadeProject, before: str, after: str
) -> None:
    assert before in BEFORE
    shop.write(views=BEFORE.replace(before, after), registry=REGISTRY)

    assert shop.affected() == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@receiver(SIGNAL)", "@receiver(OTHER)"),
        ("@login_required\n", "@register\n    @login_required\n"),
        ("@login_required\n", "@receiver(SIGNAL)\n"),
        ("    def plain()", "    @register\n    def plain()"),
        ("class Hooked:\n        limit = 3", "class Hooked:\n        limit = 4"),
        ("    LIMIT = 3\n", "    LIMIT = registry.add(3)\n"),
        ("    LIMIT = 3\n", "    LIMIT = 3\n    registry.name = 3\n"),
        ("    LIMIT = 3\n", "    LIMIT = 3\n    registry.add(1)\n"),
        ("    LIMIT = 3\n", "    LIMIT = 3\n    register(LIMIT)\n"),
        ("    LIMIT = 3\n", "    LIMIT = 3\n    for name in OWN: print(name)\n"),
        ('NAME = "b"', "register(3)"),
        (
            "            return 1\n",
            "            return 1\n\n        @receiver(SIGNAL)\n        def late(self): pass\n",
        ),
    ],
)
def test_what_a_module_registers_counts_for_all_tests(
    shop: MadeProject, before: str, after: str
) -> None:
    assert before in BEFORE
    shop.write(views=BEFORE.replace(before, after, 1), registry=REGISTRY)

    assert shop.select().everything


def test_what_is_registered_counts_with_what_it_names(project: MadeProject) -> None:
    text = BEFORE + "\n    registry.add(Plain)\n    registry.add(OWN)\n"
    project.write(views=text, registry=REGISTRY)
    project.record({"test shop.tests.OrderTests.test_one": Usage()})

    project.write(views=text.replace('{"a": 1}', '{"a": 2}'))
    assert project.select().everything
    project.write(
        views=text.replace("class Plain:\n        limit = 3", "class Plain:\n        limit = 4")
    )
    assert project.select().everything


def test_a_class_that_is_observed_counts_only_for_tests_that_use_it(project: MadeProject) -> None:
    text = BEFORE + "\n    registry.add(Plain)\n"
    project.loaded = Loaded(observed=frozenset({("shop.views", "Plain")}))
    project.write(views=text, registry=REGISTRY)
    project.record(
        {
            "test shop.tests.OrderTests.test_one": Usage(classes=frozenset({"shop.views.Plain"})),
            "test shop.tests.OrderTests.test_two": Usage(),
        }
    )
    project.write(
        views=text.replace("class Plain:\n        limit = 3", "class Plain:\n        limit = 4")
    )

    assert project.affected() == {"test_one": ("uses shop.views.Plain, which changed",)}


def test_a_new_module_with_effects_counts_for_all_tests(shop: MadeProject) -> None:
    shop.write(more="LIMIT = 3\n")
    assert shop.affected() == {}

    shop.write(more="print(3)\n")
    assert shop.select().everything == ("shop.more is imported now",)


def test_a_module_that_is_not_loaded_today_is_compared_with_the_recording(
    shop: MadeProject,
) -> None:
    shop.loaded = Loaded()
    shop.lazy = frozenset({"shop.views", "shop.registry"})
    assert shop.affected() == {}

    shop.write(registry=REGISTRY.replace("[1]", "[2]"), views=BEFORE.replace("pass", "return 3"))
    assert shop.affected() == {}


def test_a_removed_module_with_effects_counts_for_all_tests(shop: MadeProject) -> None:
    (shop.folder / "shop" / "views.py").unlink()

    assert shop.select().everything


def test_names_that_frameworks_look_up_count_for_all_tests(project: MadeProject) -> None:
    text = "from shop import views\nurlpatterns = [views.LIMIT]\n"
    project.write(urls=text, views=BEFORE, registry=REGISTRY)
    project.record({"test shop.tests.OrderTests.test_one": Usage()})

    project.write(views=BEFORE.replace("LIMIT = 3", "LIMIT = 4"))

    assert project.select().everything == (
        "shop.views.LIMIT counts for all tests: it runs when modules are imported",
    )


def test_a_class_that_settings_name_counts_for_all_tests(project: MadeProject) -> None:
    project.loaded = Loaded(named=frozenset({"shop.views.Plain", "shop.views.plain", "shop.views"}))
    project.write(views=BEFORE, registry=REGISTRY)
    project.record({"test shop.tests.OrderTests.test_one": ran("registry.register")})

    project.write(views=BEFORE.replace("def plain():\n        return 1", "def plain(): pass"))
    assert project.affected() == {}
    project.write(
        views=BEFORE.replace("class Plain:\n        limit = 3", "class Plain:\n        limit = 4")
    )
    assert project.select().everything


def test_statements_in_settings_count_but_not_values(project: MadeProject) -> None:
    text = "import os\nfrom shop.registry import register\nDATABASES = register(3)\n"
    project.loaded = hints(settings=frozenset({"shop.settings"}))
    project.write(settings=text, registry=REGISTRY)
    project.record({"test shop.tests.OrderTests.test_one": Usage()})

    project.write(settings=text.replace("3", "4"))
    assert project.affected() == {}
    project.write(settings=text + "register(4)\n")
    assert project.select().everything
