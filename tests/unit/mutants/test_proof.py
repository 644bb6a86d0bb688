"""A proof reports each test whose outcome changes and that was not selected."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from harness.mutants.affected import explained
from harness.mutants.full_run import changed_tests
from harness.mutants.model import Mutation
from harness.mutants.proof import verdict_on
from harness.mutants.selectors import Selection
from harness.mutants.table import Verdict, table
from harness.mutants.truths import Truth

OK, BAD = ("success",), ("failure",)
BASELINE = {"a.T.one": OK, "a.T.two": OK, "b.T.three": OK, "b.T.four": OK}


def verdict(changed: Collection[str] | None, selection: Selection) -> Verdict:
    mutation = Mutation(kind="functions", path="a.py", words="1: changed", text="")
    how = None if changed is None else dict.fromkeys(changed, ("success", "failure"))
    return verdict_on("shop", mutation, Truth("key", how), selection, BASELINE)


def test_a_test_that_was_not_selected_is_missed() -> None:
    found = verdict(["a.T.one", "b.T.three"], Selection(tests=["a.T.one", "a.T.two"]))

    assert found.missed == ["b.T.three"]
    assert found.is_missed
    assert found.share == 0.5


@pytest.mark.parametrize(
    ("changed", "selection"),
    [
        (["a.T.one"], Selection(tests=["a.T.one"])),
        (["a.T.one", "new"], Selection(tests=(), is_everything=True)),
        ([], Selection(tests=())),
        (None, Selection(tests=(), is_everything=True)),
        (None, Selection(tests=None, output="the settings are broken")),
    ],
)
def test_nothing_is_missed(changed: Collection[str] | None, selection: Selection) -> None:
    assert not verdict(changed, selection).is_missed


def test_a_test_that_ends_as_before_when_it_runs_alone_is_not_missed() -> None:
    found = verdict(["a.T.one", "b.T.three"], Selection(tests=["a.T.one"], indirect=["b.T.three"]))

    assert not found.is_missed
    assert found.indirect == ["b.T.three"]


def test_a_selection_that_fails_where_tests_run_is_a_miss() -> None:
    assert verdict([], Selection(tests=None, output="Traceback")).is_missed


@pytest.mark.parametrize("has_failed", [True, False])
def test_a_run_of_some_tests_must_not_succeed_if_a_run_of_all_does_not(*, has_failed: bool) -> None:
    selection = Selection(tests=["a.T.one"], has_failed=has_failed)

    assert verdict(None, selection).is_missed is not has_failed


def test_a_failed_fixture_counts_for_each_test_of_its_class() -> None:
    after = {"setUpClass (a.T)": ("error",), "b.T.three": OK, "b.T.four": BAD}

    assert changed_tests(BASELINE, after) == {
        "a.T.one": ("success", "error in setUpClass"),
        "a.T.two": ("success", "error in setUpClass"),
        "b.T.four": ("success", "failure"),
    }


def test_removed_tests_do_not_count_and_new_ones_do() -> None:
    after = {"a.T.one": OK, "unittest.loader._FailedTest.b": ("error",)}

    assert changed_tests(BASELINE, after) == {"unittest.loader._FailedTest.b": ("-", "error")}


def test_an_explanation_names_the_selected_tests() -> None:
    output = (
        "Found 4 test(s).\na.T.one\na.T.two\n  ran a.f, which changed\nNot affected:\n"
        "  b.T: 2 tests\n2 tests would run, 2 not affected; --explain runs none.\n"
    )

    assert explained(output).tests == {"a.T.one", "a.T.two"}
    assert explained("Traceback ...").tests is None
    assert explained(
        "Every test runs:\n  no recording of the tests exists\n"
        "4 tests would run, 0 not affected; --explain runs none.\n"
    ).is_everything


def test_the_table_has_medians_of_runs_that_reach_their_end() -> None:
    verdicts = [
        verdict(["a.T.one"], Selection(tests=["a.T.one"])),
        verdict([], Selection(tests=())),
        verdict(["a.T.one"], Selection(tests=["b.T.four", "b.T.three", "a.T.two"])),
        verdict(None, Selection(tests=None)),
    ]

    assert list(table(verdicts))[2] == "| shop | functions | 4 | 2 | 1 | 1 | 0 | 25.0% | 33.3% |"
