"""Changes of functions, classes and constants select the tests that they can reach."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from unit.impact.made_project import MadeProject, project, ran

from ctest_containers.impact.nodes import ANYTHING
from ctest_containers.usage.model import BASE, CACHED, CLASS, IMPORT, MODULE, Usage

__all__ = ["project"]

MODELS = """
    from shop.money import TAX, rounded

    class Order:
        currency = "EUR"

        def total(self):
            return rounded(100) * TAX

        def title(self):
            return "Order"

    def unused():
        return 1
"""

MONEY = """
    TAX = 2

    def rounded(number):
        return number
"""

TESTS = """
    from shop.models import Order

    class OrderTests:
        limit = 3

        def test_total(self):
            assert Order().total() == 200

        def test_title(self):
            assert Order().title()

    def test_nothing():
        pass
"""

TOTAL, TITLE = "test shop.tests.OrderTests.test_total", "test shop.tests.OrderTests.test_title"
OTHER = "test shop.others.OtherTests.test_other"


@pytest.fixture
def shop(project: MadeProject) -> MadeProject:
    project.write(models=MODELS, money=MONEY, tests=TESTS, others="class OtherTests: pass\n")
    project.record(
        {
            TOTAL: ran("tests.OrderTests.test_total", "models.Order.total", "money.rounded"),
            TITLE: ran("tests.OrderTests.test_title", "models.Order.title"),
            OTHER: ran("others.OtherTests.test_other"),
        }
    )
    return project


def test_no_test_is_affected_by_no_change(shop: MadeProject) -> None:
    assert not shop.changes()
    assert shop.affected() == {}


def test_a_changed_function_selects_the_tests_that_ran_it(shop: MadeProject) -> None:
    shop.write(models=MODELS.replace('return "Order"', 'return "Orders"'))

    assert shop.affected() == {"test_title": ("ran shop.models.Order.title, which changed",)}


def test_a_function_that_no_test_ran_selects_nothing(shop: MadeProject) -> None:
    shop.write(models=MODELS.replace("return 1", "return 2"))

    assert shop.affected() == {}


def test_comments_and_moved_lines_select_nothing(shop: MadeProject) -> None:
    shop.write(models="# New.\n\n\n" + MODELS.replace("\n    ", "\n"))

    assert shop.affected() == {}


def test_a_changed_constant_selects_the_tests_whose_functions_name_it(shop: MadeProject) -> None:
    shop.write(money=MONEY.replace("TAX = 2", "TAX = 3"))

    assert shop.affected() == {
        "test_total": ("ran shop.models.Order.total, which uses shop.money.TAX, which changed",)
    }


def test_a_changed_attribute_of_a_class_selects_the_tests_that_use_the_class(
    shop: MadeProject,
) -> None:
    shop.write(models=MODELS.replace('"EUR"', '"USD"'))

    assert sorted(shop.affected()) == ["test_title", "test_total"]


def test_a_new_method_counts_as_a_change_of_its_class(shop: MadeProject) -> None:
    shop.write(
        models=MODELS.replace("    def unused", "        def tax(self): pass\n\n    def unused")
    )

    assert sorted(shop.affected()) == ["test_title", "test_total"]


def test_an_added_function_selects_only_those_that_name_it(shop: MadeProject) -> None:
    shop.write(money=MONEY + "\n    def more():\n        return 1\n")

    assert shop.affected() == {}


def test_a_removed_function_selects_the_tests_that_ran_it(shop: MadeProject) -> None:
    shop.write(money="TAX = 2\n")

    assert [*shop.affected()] == ["test_total"]


def test_a_name_that_is_imported_from_elsewhere_selects_its_users(shop: MadeProject) -> None:
    shop.write(
        rates="TAX = 2\n",
        models=MODELS.replace("from shop.money import TAX, rounded",
                              "from shop.money import rounded\n    from shop.rates import TAX"),
    )  # fmt: skip

    assert [*shop.affected()] == ["test_total"]


def test_a_name_that_a_new_function_hides_selects_its_users(shop: MadeProject) -> None:
    shop.write(models=MODELS + "\n    def rounded(number):\n        return 0\n")

    assert [*shop.affected()] == ["test_total"]


def test_a_changed_attribute_of_a_class_of_tests_selects_its_tests(shop: MadeProject) -> None:
    shop.write(tests=TESTS.replace("limit = 3", "limit = 4"))

    assert sorted(shop.affected()) == ["test_title", "test_total"]


def test_a_new_test_does_not_select_the_others_of_its_class(shop: MadeProject) -> None:
    shop.write(tests=TESTS.replace("    def test_nothing", "        def test_new(self): pass\n\n    def test_nothing"))  # fmt: skip  # noqa: E501

    selection = shop.select("shop.tests.OrderTests.test_new")

    assert selection.affected == {"shop.tests.OrderTests.test_new": ("has not been recorded",)}
    assert len(selection.left) == 3


def test_marked_tests_run_whatever_has_changed(shop: MadeProject) -> None:
    selection = shop.select(marks={"shop.others.OtherTests.test_other": "failed last time"})

    assert selection.affected == {"shop.others.OtherTests.test_other": ("failed last time",)}


def test_tests_that_start_programs_always_run(shop: MadeProject) -> None:
    shop.record({TOTAL: Usage(opaque=frozenset({"starts the program git"})), OTHER: Usage()})

    assert shop.affected() == {"test_total": ("starts the program git",)}


def test_what_a_class_or_module_sets_up_counts_for_its_tests(shop: MadeProject) -> None:
    shop.record(
        {
            TOTAL: Usage(),
            TITLE: Usage(),
            OTHER: Usage(),
            f"{CLASS}shop.tests.OrderTests": ran("models.Order.total"),
            f"{MODULE}shop.others": ran("money.rounded"),
        }
    )
    shop.write(money=MONEY.replace("return number", "return -number"))
    assert [*shop.affected()] == ["test_other"]

    shop.write(money=MONEY, models=MODELS.replace("rounded(100)", "rounded(101)"))
    assert sorted(shop.affected()) == ["test_title", "test_total"]


@pytest.mark.parametrize("unit", [BASE, f"{IMPORT}shop.money"])
def test_what_runs_when_modules_are_imported_counts_for_all_tests(
    shop: MadeProject, unit: str
) -> None:
    shop.record({TOTAL: Usage(), OTHER: Usage(), unit: ran("money.rounded")})
    shop.write(money=MONEY.replace("return number", "return -number"))

    assert sorted(shop.affected()) == ["test_other", "test_total"]
    assert shop.select().everything == (
        "shop.money.rounded counts for all tests: it runs when modules are imported",
    )


CACHES = """
    import functools
    from shop.money import TAX, rounded

    @functools.lru_cache
    def price(number):
        return helper(number)

    def helper(number):
        return number * TAX

    class Order:
        def total(self):
            return price(1)
"""


def test_a_cached_function_counts_for_those_that_name_it(project: MadeProject) -> None:
    project.write(models=CACHES, money=MONEY, tests="class OrderTests: pass\n")
    cached = f"{CACHED}shop.models:price"
    project.record(
        {
            TOTAL: ran("models.Order.total", "models.price", "models.helper"),
            TITLE: ran("models.Order.total"),
            OTHER: Usage(),
            cached: ran("models.price", "models.helper"),
        }
    )
    project.write(models=CACHES.replace("number * TAX", "number + TAX"))

    assert sorted(project.affected()) == ["test_title", "test_total"]


STATEFUL = """
    RATES = {}

    def rate(name):
        if name not in RATES:
            RATES[name] = load(name)
        return RATES[name]

    def load(name):
        return 1

    class Kept:
        def get(self):
            if not hasattr(self, "value"):
                self.value = self.make()
            return self.value

        def make(self):
            return 3

    KEPT = Kept()

    class Own:
        def get(self):
            self.value = load("own")
            return self.value
"""


@pytest.mark.parametrize(
    ("before", "after", "affected"),
    [
        ("return 1", "return 2", ["test_total"]),
        ("return 3", "return 4", ["test_title"]),
    ],
)
def test_state_that_outlives_a_test_depends_on_what_may_have_filled_it(
    project: MadeProject, before: str, after: str, affected: list[str]
) -> None:
    project.write(models=STATEFUL)
    project.record({TOTAL: ran("models.rate"), TITLE: ran("models.Kept.get"), OTHER: ran("models.Own.get")})  # fmt: skip  # noqa: E501
    project.write(models=STATEFUL.replace(before, after))

    assert [*project.affected()] == affected


def test_a_module_that_cannot_be_parsed_selects_its_users(shop: MadeProject) -> None:
    shop.write(money="TAX = (\n")

    assert [*shop.affected()] == ["test_total"]


def test_a_removed_module_selects_its_users(shop: MadeProject) -> None:
    (shop.folder / "shop" / "money.py").unlink()

    assert [*shop.affected()] == ["test_total"]


def test_functions_are_recorded_by_their_lines(shop: MadeProject) -> None:
    shop.record({TOTAL: Usage(functions=frozenset({("shop.models", 7)}))})

    assert shop.units[TOTAL].definitions == {("shop.models", "Order.total")}


def test_code_without_a_source_selects_its_tests_always(shop: MadeProject) -> None:
    shop.record({TOTAL: Usage(functions=frozenset({("shop.missing", 1)})), OTHER: Usage()})

    assert shop.affected() == {"test_total": ("ran shop.missing, which changed",)}


def test_a_module_that_changes_while_tests_run_counts_as_it_was_read(shop: MadeProject) -> None:
    early = replace(shop.today(), since=0.0, fresh={})
    late = replace(shop.today(), since=time.time() + 3600)
    late.read()
    shop.write(models=MODELS.replace('return "Order"', 'return "Orders"'))

    # It had changed before it was read: whatever ran in it is unknown.
    assert early.definition_of(("shop.models", 7)) == ("shop.models", ANYTHING)
    assert late.definition_of(("shop.models", 10)) == ("shop.models", "Order.title")
    shop.inputs = late.inputs(shop.units)
    assert [*shop.affected()] == ["test_title"]
    shop.inputs = early.inputs(shop.units)
    assert sorted(shop.affected()) == ["test_other", "test_title", "test_total"]
