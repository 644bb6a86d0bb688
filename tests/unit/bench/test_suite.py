"""How the runs of one suite are compared."""

from __future__ import annotations

import pytest
from harness.bench.suite import check_counts, figures_of, notes_on_failures
from harness.bench.told import Counting
from harness.bench.trouble import BenchError
from harness.bench.way import Run

COUNTING = {"a": Counting.UNITTEST, "b": Counting.UNITTEST, "c": Counting.PYTEST}


def _run(process: float = 1.0, *, tests: int = 10, failed: int = 0) -> Run:
    return Run(
        process_seconds=process,
        tests_seconds=process / 2,
        cpu_seconds=process / 4,
        tests=tests,
        failed=failed,
    )


def test_a_run_with_another_number_of_tests_is_an_error_and_no_figure() -> None:
    runs = {"a": [_run(), _run()], "b": [_run(), _run(tests=9)]}

    with pytest.raises(BenchError, match=r"the way b had 9 tests where .* unittest had 10"):
        check_counts(runs, COUNTING, "")


def test_pytest_may_count_otherwise_only_for_a_reason() -> None:
    runs = {"a": [_run()], "c": [_run(tests=8)]}

    (note,) = check_counts(runs, COUNTING, "leaves doctests out")

    assert "unittest counts 10 and pytest counts 8, for pytest leaves doctests out." in note
    with pytest.raises(BenchError, match="unittest counts 10 and pytest counts 8"):
        check_counts(runs, COUNTING, "")


def test_runs_that_agree_need_no_note() -> None:
    runs = {"a": [_run()], "b": [_run()], "c": [_run()]}

    assert check_counts(runs, COUNTING, "") == []
    assert notes_on_failures(runs) == []


def test_outcomes_that_differ_are_told_with_what_keepdb_keeps() -> None:
    runs = {"django": [_run()], "django-keepdb": [_run(failed=3), _run(failed=4)]}

    first, second = notes_on_failures(runs)

    assert first == "Outcomes differ; tests that failed: django 0, django-keepdb 3 or 4."
    assert "TransactionTestCase" in second


def test_failures_that_are_the_same_everywhere_are_told_once() -> None:
    runs = {"a": [_run(failed=2)], "b": [_run(failed=2)]}

    assert notes_on_failures(runs) == ["2 tests failed in every way."]


def test_every_way_has_figures_of_process_tests_and_cores_as_multiples_of_the_base() -> None:
    runs = {"a": [_run(3.0), _run(6.0)], "b": [_run(1.0), _run(2.0)]}

    figures = figures_of(runs, "b")

    assert [(one.name, one.measure) for one in figures] == [
        (way, measure) for measure in ("process", "tests", "cpu") for way in ("a", "b")
    ]
    assert [one.ratio for one in figures] == [3.0, 1.0] * 3
    assert figures[0].values == (3.0, 6.0)


def test_without_the_base_there_are_no_ratios() -> None:
    assert [one.ratio for one in figures_of({"a": [_run()]}, "b")] == [None] * 3
