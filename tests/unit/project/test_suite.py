"""Which tests stay together."""

from __future__ import annotations

import sys
import types
import unittest
from collections.abc import Collection
from pathlib import Path

import pytest
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.test.testcases import SerializeMixin

from ctest_containers.project.suite import make_batches

ALIASES = ("default", "other")


def _case(
    name: str, module: str = "unit_suite_plain", databases: Collection[str] | None = None
) -> type[unittest.TestCase]:
    namespace: dict[str, object] = {"__module__": module, "runTest": lambda _: None}
    if databases is not None:
        namespace["databases"] = databases
    kind: type[unittest.TestCase] = type(name, (unittest.TestCase,), namespace)
    return kind


@pytest.fixture(params=["setUpModule", "tearDownModule"])
def module_with_fixtures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a loaded module that has a fixture of its own."""
    module = types.ModuleType("unit_suite_fixtures")
    setattr(module, request.param, lambda: None)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def test_no_tests_are_no_batches() -> None:
    assert make_batches([], ALIASES) == []


def test_a_batch_is_a_class() -> None:
    one, two = _case("One"), _case("Two")
    tests = [one(), one(), two()]

    batches = make_batches(tests, ALIASES)

    assert [batch.tests for batch in batches] == [tests[:2], tests[2:]]
    assert [batch.number for batch in batches] == [0, 1]
    assert [batch.indices for batch in batches] == [range(2), range(2, 3)]


def test_two_classes_of_one_name_are_two_batches() -> None:
    batches = make_batches([_case("Same")(), _case("Same")()], ALIASES)

    assert len(batches) == 2


def test_classes_of_a_module_with_fixtures_stay_together(module_with_fixtures: str) -> None:
    one, two = _case("One", module_with_fixtures), _case("Two", module_with_fixtures)
    outside = _case("Outside")
    tests = [one(), two(), two(), outside()]

    batches = make_batches(tests, ALIASES)

    assert [batch.tests for batch in batches] == [tests[:3], tests[3:]]


def test_a_class_of_a_module_that_is_not_loaded_is_a_batch() -> None:
    batches = make_batches([_case("One", "unit_suite_gone")()], ALIASES)

    assert len(batches) == 1


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (None, set()),
        (set(), set()),
        ({"other"}, {"other"}),
        (["default"], {"default"}),
        ("__all__", {"default", "other"}),
    ],
)
def test_a_batch_has_the_databases_that_its_class_declares(
    declared: Collection[str] | None, expected: set[str]
) -> None:
    [batch] = make_batches([_case("One", databases=declared)()], ALIASES)

    assert expected == batch.aliases


def test_a_batch_of_several_classes_has_the_databases_of_all(module_with_fixtures: str) -> None:
    one = _case("One", module_with_fixtures, {"default"})
    two = _case("Two", module_with_fixtures, {"other"})

    [batch] = make_batches([one(), two()], ALIASES)

    assert batch.aliases == {"default", "other"}


def test_a_plain_test_and_one_with_databases_may_leave_rows_behind() -> None:
    class Plain(unittest.TestCase):
        def test_it(self) -> None: ...

    class WithDatabases(SimpleTestCase):
        databases = {"default"}  # noqa: RUF012  # As in any project.

        def test_it(self) -> None: ...

    class Without(SimpleTestCase):
        def test_it(self) -> None: ...

    class Flushing(TransactionTestCase):
        def test_it(self) -> None: ...

    tests = [kind("test_it") for kind in (Plain, WithDatabases, Without, Flushing)]

    batches = make_batches(tests, ALIASES)

    assert [batch.leaves_rows for batch in batches] == [True, True, False, False]
    assert [batch.removes_rows for batch in batches] == [True, True, False, True]


def test_a_batch_knows_what_it_flushes_and_which_databases_nobody_has_flushed_before_it() -> None:
    class Rows(TestCase):
        def test_it(self) -> None: ...

    class Early(SimpleTestCase):
        databases = {"default"}  # noqa: RUF012  # As in any project.

        def test_it(self) -> None: ...

    @unittest.skip("never begins")
    class Skipped(TransactionTestCase):
        def test_it(self) -> None: ...

    class Flushing(TransactionTestCase):
        def test_it(self) -> None: ...

    class FlushingBoth(Flushing):
        databases = "__all__"

    class Late(Early):
        pass

    kinds = (Rows, Early, Skipped, Flushing, FlushingBoth, Late)
    tests = [kind("test_it") for kind in kinds]
    batches = make_batches(tests, ["default", "other", "mirror"], {"mirror"})

    default, both = {"default"}, {"default", "other"}
    assert [batch.flushes for batch in batches] == [set(), set(), set(), default, both, set()]
    assert [batch.unflushed for batch in batches] == [
        *(default, default, default, default),
        {"other"},
        set(),
    ]


def test_fixtures_of_a_module_and_lock_files_are_not_for_two_batches_at_once(
    module_with_fixtures: str, tmp_path: Path
) -> None:
    class Locked(SerializeMixin):
        lockfile = str(tmp_path / "lock")

    first = type("First", (Locked, unittest.TestCase), {"runTest": lambda _: None})
    second = type("Second", (Locked, SimpleTestCase), {"runTest": lambda _: None})
    apart = _case("Apart", module_with_fixtures)
    neighbour = _case("Neighbour", module_with_fixtures)
    tests = [apart(), first(), neighbour(), second(), _case("Other")()]

    exclusive = [batch.exclusive for batch in make_batches(tests, ALIASES)]

    assert exclusive[0] == exclusive[2] != frozenset()
    assert exclusive[1] == exclusive[3] != frozenset()
    assert exclusive[4] == frozenset()
