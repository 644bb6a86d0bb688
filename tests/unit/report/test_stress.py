"""The statistics of a stress run, as each report shows them."""

from __future__ import annotations

import json

from unit.report.making import STARTED, events_of_test

from ctest_containers.events import (
    OutcomeKind,
    RunFinished,
    StressDurations,
    StressedTest,
    StressFailure,
    StressFinished,
    StressProgressed,
)
from ctest_containers.history.lines import HEADER, entries, line
from ctest_containers.report.job_summary import job_summary
from ctest_containers.report.log import run_line
from ctest_containers.report.page import render
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import record_of
from ctest_containers.report.stress import progress, stress_lines

NAME = "shop.tests.Orders.test_total"

STRESS = StressFinished(
    seed=1000,
    rounds=99,
    of_rounds=100,
    attempts=298,
    failed=7,
    seconds=12.5,
    tests=(
        StressedTest(
            test_id=NAME,
            passed=93,
            failed=7,
            skipped=0,
            failures=(
                StressFailure(
                    type_name="AssertionError",
                    message="7 != 8 | <b>",
                    file="shop/tests.py",
                    line=80,
                    count=6,
                    rounds=(2, 6, 10, 11, 12, 13),
                    text="Traceback of the first",
                ),
                StressFailure(
                    type_name="DoesNotExist",
                    message="",
                    file="",
                    line=0,
                    count=1,
                    rounds=(3,),
                    text="Traceback of another",
                ),
            ),
        ),
        StressedTest(
            test_id="setUpClass (shop.tests.Carts)", passed=0, failed=1, skipped=0, failures=()
        ),
    ),
    durations=(
        StressDurations(test_id=NAME, min_seconds=0.01, median_seconds=0.04, max_seconds=0.96),
    ),
)


def _run() -> RunRecord:
    failed = events_of_test(0, NAME, OutcomeKind.FAILURE, text="x")
    ended = RunFinished(not_run=0, failure="")
    return record_of([(0.0, event) for event in (STARTED, *failed, STRESS, ended)])


def test_a_terminal_shows_how_often_in_which_ways_and_with_which_seeds_tests_failed() -> None:
    assert list(stress_lines(STRESS)) == [
        "Stress: 99 of 100 rounds, 298 tests run, 7 failed, in 12.5 s (seed of round 1: 1000).",
        "Flaky or failing:",
        f"     7 %  {NAME} (7 failed, 93 passed)",
        "          6x AssertionError: 7 != 8 | <b> (shop/tests.py:80)",
        (
            "             in rounds 2 (seed 1001), 6 (seed 1005), 10 (seed 1009), 11 (seed 1010), "
            "12 (seed 1011) and 1 more"
        ),
        "          1x DoesNotExist",
        "             in round 3 (seed 1002)",
        "       -  setUpClass (shop.tests.Carts) (1 failed)",
        "To repeat a round, replace --stress by --shuffle SEED.",
        "Durations, as minimum, median and maximum:",
        f"     0.01 s    0.04 s    0.96 s  {NAME}",
    ]


def test_the_event_log_keeps_all_of_it_but_not_the_progress() -> None:
    lines = [HEADER, line(STRESS, 1.0)]

    (entry,) = entries(lines, "log")

    assert entry.event == STRESS


def test_the_record_of_a_run_has_it() -> None:
    assert _run().stress == STRESS


def test_the_summary_on_github_has_a_row_for_each_test() -> None:
    summary = job_summary(_run())

    assert f"| 7 % | `{NAME}` | 6x AssertionError: 7 != 8 \\| &lt;b&gt; (shop/tests" in summary
    assert f"| 0.01 s | 0.04 s | 0.96 s | `{NAME}` |" in summary


def test_the_page_has_the_report_of_each_kind_of_failure() -> None:
    document = render(_run())

    data = json.loads(document.partition('id="data">')[2].partition("</script>")[0])
    (failure, other) = data["stress"]["tests"][0]["failures"]
    assert failure["text"] == "Traceback of the first"
    assert other["rounds"] == [3]


def test_the_log_has_its_numbers() -> None:
    fields = run_line(_run())

    assert (fields["seed"], fields["rounds"], fields["attempts"]) == (1000, 99, 298)
    assert fields["attempts_failed"] == 7


def test_a_live_display_shows_the_round() -> None:
    event = StressProgressed(
        worker=1, test_id=NAME, round_number=3, of_rounds=100, attempts=20, failed=1
    )

    assert progress(event) == "round 3 of 100, 20 tests"
