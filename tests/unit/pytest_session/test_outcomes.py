"""What the reports of pytest mean for the next session."""

from __future__ import annotations

import pytest

from ctest_containers.pytest_session.outcomes import FAILED, SKIPPED, UNFINISHED, Outcomes

TEST = "test_a.py::test_a"


def outcomes_of(*phases: tuple[str, str], expected: bool = False) -> Outcomes:
    outcomes = Outcomes()
    for when, outcome in phases:
        report = pytest.TestReport(TEST, ("test_a.py", 1, "test_a"), {}, outcome, None, when)  # type: ignore[arg-type]
        if expected and when == "call":
            report.wasxfail = ""
        outcomes.add(report)
    return outcomes


PASSED = [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]


@pytest.mark.parametrize(
    ("phases", "mark"),
    [
        (PASSED, ""),
        (PASSED[:2], UNFINISHED),
        ([("setup", "failed"), ("teardown", "passed")], FAILED),
        ([*PASSED[:2], ("teardown", "failed")], FAILED),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "passed")], FAILED),
        ([("setup", "skipped"), ("teardown", "passed")], SKIPPED),
        ([("setup", "passed"), ("call", "skipped"), ("teardown", "passed")], SKIPPED),
        ([("setup", "passed"), ("call", "rerun"), ("teardown", "passed"), *PASSED], ""),
        # The process has crashed.
        ([("???", "failed")], FAILED),
    ],
)
def test_a_test_runs_again_unless_it_has_passed(phases: list[tuple[str, str]], mark: str) -> None:
    assert outcomes_of(*phases).marks == {TEST: mark}


def test_a_failure_that_is_expected_is_none() -> None:
    phases = [("setup", "passed"), ("call", "skipped"), ("teardown", "passed")]

    assert outcomes_of(*phases, expected=True).marks == {TEST: ""}
