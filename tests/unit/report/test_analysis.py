"""What a run is said to show, by itself and against earlier runs."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from unit.made_runs import (
    FAILED,
    PASSED,
    SKIPPED,
    STARTED,
    Made,
    made_run,
    steady,
)

from ctest_containers.events import (
    OutcomeKind,
    Phase,
    PhaseStarted,
    TestStarted,
    WorkersPlanned,
)
from ctest_containers.history.store import read
from ctest_containers.report.analysis import Analysis, analyse, as_json, as_text
from ctest_containers.report.record import RunRecord, Status
from ctest_containers.report.recording import record_of
from ctest_containers.report.savings import Remedy, Saving

GOLDEN = Path(__file__).parents[2] / "golden"

ONE = "shop.Cart.test_one"


def _golden() -> RunRecord:
    return record_of((at, event) for at, event in read(GOLDEN / "run.jsonl"))


def _with_one(seconds: float, kind: OutcomeKind | None = PASSED) -> RunRecord:
    return made_run([*steady(20), Made(ONE, seconds, kind)])


def _after(*seconds: float) -> Analysis:
    """The analysis of a run in which one test took the last of these, and in others the others."""
    *earlier, run = [_with_one(one) for one in seconds]
    return analyse(run, earlier)


def _ends(*ends: OutcomeKind | None) -> Analysis:
    """The same for how a test ended."""
    *earlier, run = [_with_one(1, one) for one in ends]
    return analyse(run, earlier)


def _saving(found: Analysis, remedy: Remedy) -> Saving | None:
    return next((one for one in found.savings if one.remedy is remedy), None)


def _seconds(found: Analysis, remedy: Remedy) -> float:
    saving = _saving(found, remedy)
    return 0.0 if saving is None else saving.seconds


def test_the_golden_run_alone_reads_like_this() -> None:
    assert as_text(analyse(_golden(), [])) == (GOLDEN / "analysis.txt").read_text()


def test_the_golden_run_fits_json() -> None:
    found = as_json(analyse(_golden(), [_golden()] * 4))

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["format"], found["version"]) == ("ctest-containers-analysis", 1)
    assert found["outcomes"]["flaky"][0]["statuses"] == ["passed"] * 5
    assert found["efficiency"]["share"] == pytest.approx(0.25, abs=0.01)
    assert "seconds" in found["savings"][0]


def test_a_record_of_nothing_is_said_to_be_nothing() -> None:
    assert as_text(analyse(RunRecord(), [])) == (
        "The run: 0 tests in 0.00 s.\n\n"
        "There are no earlier runs: comparing durations requires 5 tests that passed in this run "
        "and in 3 earlier ones.\n\n"
        "The run ended before its tests, so there is nothing to say about its workers.\n\n"
        "Found nothing that would make the run noticeably shorter.\n"
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "There is only 1 earlier run:"),
        (2, "There are only 2 earlier runs:"),
    ],
)
def test_too_few_runs_are_said_to_be_too_few(count: int, words: str) -> None:
    found = analyse(_with_one(9), [_with_one(1)] * count)

    assert found.durations.speed is None
    assert words in as_text(found)


def test_too_few_tests_tell_no_speed() -> None:
    run, before = made_run([Made(ONE, 9)]), made_run([Made(ONE, 1)])

    found = analyse(run, [before] * 4)

    assert (found.durations.compared, found.durations.slower) == (0, ())
    assert "Too few tests passed in this run and in 4 earlier runs" in as_text(found)


def test_a_slower_test_is_found() -> None:
    (found,) = _after(1, 1.1, 0.9, 2).durations.slower

    assert (found.test_id, found.runs, found.before) == (ONE, 1, 3)
    assert found.seconds == 2
    assert found.usual_seconds == pytest.approx(1)
    assert found.difference == pytest.approx(1)
    assert found.score > 3.5


def test_a_faster_test_is_found() -> None:
    (found,) = _after(2, 2.1, 1.9, 1).durations.faster

    assert (found.test_id, found.seconds) == (ONE, 1)
    assert found.score < -3.5


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param((1, 1, 1, 1.2), id="by a fifth"),
        pytest.param((0.01, 0.01, 0.01, 0.055), id="by less than 50 ms"),
        pytest.param((1, 3, 2, 4, 3.5), id="of one that is never steady"),
        pytest.param((1, 1, 9), id="after two runs"),
    ],
)
def test_a_change_without_weight_is_none(seconds: Sequence[float]) -> None:
    found = _after(*seconds).durations

    assert (found.slower, found.faster) == ((), ())


def test_no_test_is_taken_to_be_steadier_than_most_are() -> None:
    """Three durations that are equal by chance are no reason to call a fourth one slow."""
    noisy = [
        made_run(
            [Made(f"a.A.test_{place}", (0.7, 1, 1.3)[(place + turn) % 3]) for place in range(21)]
            + [Made(ONE, 1)]
        )
        for turn in range(3)
    ]
    run = made_run([*(Made(f"a.A.test_{place}", 1) for place in range(21)), Made(ONE, 1.6)])

    assert analyse(run, noisy).durations.slower == ()
    assert [one.test_id for one in _after(1, 1, 1, 1.6).durations.slower] == [ONE]


def test_an_outlier_among_the_earlier_runs_hides_nothing() -> None:
    (found,) = _after(1, 1, 30, 1, 1, 2).durations.slower

    assert found.usual_seconds == pytest.approx(1)


def test_a_change_that_lasts_is_counted_from_its_first_run() -> None:
    found = _after(1, 1.02, 0.98, 1, 2, 2.1, 1.9)

    assert [(one.runs, one.before) for one in found.durations.slower] == [(3, 4)]
    assert "1.90 s  instead of  1.00 s  for 3 runs  shop.Cart.test_one" in as_text(found)


def test_changes_that_last_come_before_larger_ones() -> None:
    earlier = [
        made_run([*steady(20), Made(ONE, one), Made(ONE + "b", 1)]) for one in (1, 1, 1, 1, 2, 2)
    ]
    run = made_run([*steady(20), Made(ONE, 2), Made(ONE + "b", 9)])

    found = analyse(run, earlier).durations.slower

    assert [(one.test_id, one.runs) for one in found] == [(ONE, 3), (ONE + "b", 1)]


def test_a_change_that_went_back_is_none() -> None:
    assert _after(1, 1, 1, 1, 2, 2, 1).durations.slower == ()


def test_a_slow_machine_makes_no_test_slow() -> None:
    before = made_run([*steady(20), Made(ONE, 1)])
    run = made_run([*steady(20, 3), Made(ONE, 12)])

    found = analyse(run, [before] * 3)

    assert found.durations.speed == 3
    assert [one.test_id for one in found.durations.slower] == [ONE]
    assert found.durations.slower[0].usual_seconds == 3
    assert "tests took 3.00 times as long as usual" in as_text(found)


def test_slow_earlier_runs_do_not_hide_a_slow_test() -> None:
    earlier = [
        made_run([*steady(20, speed), Made(ONE, speed)]) for speed in (1.0, 5.0, 1.0, 5.0, 3.0)
    ]

    (found,) = analyse(_with_one(2), earlier).durations.slower

    assert found.usual_seconds == pytest.approx(1)


def test_only_tests_that_passed_are_compared() -> None:
    earlier = [_with_one(1)] * 3

    assert analyse(_with_one(9, FAILED), earlier).durations.slower == ()
    assert analyse(_with_one(9), [_with_one(1, FAILED)] * 3).durations.slower == ()
    assert analyse(_with_one(9), [*earlier, _with_one(9, FAILED)]).durations.slower[0].before == 3


def test_runs_of_other_tests_take_no_part() -> None:
    others = [made_run([Made("other.Tests.test_it", 5)]), RunRecord()]

    found = analyse(_with_one(9), [*others, *[_with_one(1)] * 3, *others])

    assert [one.before for one in found.durations.slower] == [3]


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param((FAILED, PASSED, FAILED), id="bad, good, bad"),
        pytest.param((PASSED, FAILED, PASSED, FAILED, PASSED), id="bad twice"),
        pytest.param((FAILED, None, PASSED, SKIPPED, FAILED, PASSED), id="with other runs between"),
    ],
)
def test_a_test_that_goes_to_and_fro_may_be_flaky(ends: Sequence[OutcomeKind | None]) -> None:
    found = _ends(*ends).outcomes

    assert [one.test_id for one in found.flaky] == [ONE]
    assert (found.failing, found.fixed) == ((), ())


@pytest.mark.parametrize(
    ("ends", "runs"), [((PASSED, FAILED), 1), ((PASSED, None, FAILED, SKIPPED, FAILED), 2)]
)
def test_a_test_that_went_bad_is_newly_failing(
    ends: Sequence[OutcomeKind | None], runs: int
) -> None:
    found = _ends(*ends)

    assert [(one.test_id, one.runs) for one in found.outcomes.failing] == [(ONE, runs)]
    assert found.outcomes.failing[0].before is Status.PASSED
    assert found.outcomes.flaky == ()
    assert "1 test newly failing:" in as_text(found)


def test_a_test_that_went_good_is_newly_fixed_once() -> None:
    assert [one.test_id for one in _ends(PASSED, FAILED, PASSED).outcomes.fixed] == [ONE]
    assert _ends(FAILED, PASSED, PASSED).outcomes.fixed == ()


@pytest.mark.parametrize(
    "ends", [(FAILED, FAILED), (PASSED, SKIPPED), (FAILED,), (PASSED, FAILED, None)]
)
def test_no_news_is_none(ends: Sequence[OutcomeKind | None]) -> None:
    found = _ends(*ends).outcomes

    assert (found.failing, found.fixed, found.flaky) == ((), (), ())


def test_a_test_that_passed_when_tried_again_may_be_flaky() -> None:
    run = made_run([Made(ONE, 1, tried=2)])

    (found,) = analyse(run, [made_run([Made(ONE)])]).outcomes.flaky

    assert (found.statuses, found.retried, found.turns) == ((Status.PASSED,) * 2, (1,), 1)
    assert "passed, passed after a retry" in as_text(analyse(run, [made_run([Made(ONE)])]))


def test_the_most_suspicious_test_comes_first() -> None:
    ends = [(FAILED, PASSED), (PASSED, PASSED), (FAILED, FAILED), (PASSED, PASSED)]
    *earlier, run = [
        made_run([Made("a.A.test_now_and_then", 1, now), Made("a.A.test_z", 1, then)])
        for then, now in [*ends, (FAILED, FAILED), (PASSED, FAILED), (FAILED, FAILED)]
    ]

    flaky = analyse(run, earlier).outcomes.flaky

    assert [one.test_id for one in flaky] == ["a.A.test_z", "a.A.test_now_and_then"]


def test_a_run_in_which_everything_went_bad_makes_nothing_flaky() -> None:
    good = made_run(steady(20))
    bad = made_run([Made(one.test_id, 1, FAILED) for one in steady(20)])

    found = analyse(good, [bad, good, bad, good]).outcomes

    assert (found.flaky, found.fixed) == ((), ())


def test_fixtures_that_take_longer_than_their_tests_are_named() -> None:
    run = made_run(
        [Made(ONE, 0.5), Made("shop.Light.test_it", 3), Made(ONE + "b", 0.5, worker=2)],
        fixtures={"shop.Cart": 2, "shop.Light": 1},
        workers=2,
    )

    (found,) = analyse(run, []).fixtures

    assert (found.owner, found.seconds, found.tests_seconds) == ("shop.Cart", 4, 1)
    assert found.times == 2
    assert "4.00 s  tests  1.00 s  shop.Cart (2 times)" in as_text(analyse(run, []))


def test_the_time_of_the_workers_is_told_apart() -> None:
    run = made_run(
        [Made("a.A.test", 4), Made("b.B.test", 1, worker=2), Made("b.B.test_b", 1, tried=2)],
        workers=2,
        begins=(1, 2),
        discovery=5,
    )

    found = analyse(run, []).efficiency

    assert found is not None
    assert (found.workers, found.span_seconds, found.busy_seconds) == (2, 8, 6)
    assert (found.beginning_seconds, found.end_seconds) == (3, 5)
    assert (found.given_up_seconds, found.between_seconds) == (2, 0)
    assert found.share == 6 / 16


def test_a_worker_that_never_began_waited_all_the_time() -> None:
    found = analyse(made_run([Made(ONE, 2)], workers=3), []).efficiency

    assert found is not None
    assert (found.busy_seconds, found.beginning_seconds) == (2, 4)


def test_a_test_that_was_cut_off_kept_its_worker_busy() -> None:
    run = record_of(
        [
            (0, STARTED),
            (0, WorkersPlanned(workers=1, reason="", limits=(), warnings=())),
            (1, PhaseStarted(phase=Phase.TESTS)),
            (2, TestStarted(worker=1, index=0, test_id=ONE)),
            (5, TestStarted(worker=1, index=1, test_id=ONE + "b")),
            (7, PhaseStarted(phase=Phase.CLEAN_UP)),
        ]
    )

    found = analyse(run, []).efficiency

    assert found is not None
    assert (found.busy_seconds, found.beginning_seconds, found.span_seconds) == (5, 1, 6)


def test_one_long_class_is_to_be_split() -> None:
    long = [Made(f"a.Long.test_{number}", 1) for number in range(10)]
    run = made_run([*long, Made(ONE, 1, worker=2)], fixtures={"a.Long": 1}, workers=2)

    saving = _saving(analyse(run, []), Remedy.SPLIT)

    assert saving is not None
    # Eleven seconds in one piece; six with the fixture twice, and the other class after one.
    assert saving.seconds == 11 - 7
    assert saving.names == ("a.Long",)


def test_one_long_test_cannot_be_split() -> None:
    run = made_run([Made("a.Long.test", 10), Made(ONE, 1, worker=2)], workers=2)

    assert _saving(analyse(run, []), Remedy.SPLIT) is None


def test_twice_the_workers_take_half_the_time_of_many_classes() -> None:
    run = made_run(
        [Made(f"a.Class{number}.test", 1, worker=1 + number % 2) for number in range(8)], workers=2
    )

    saving = _saving(analyse(run, []), Remedy.WORKERS)

    assert saving is not None
    assert saving.seconds == 2
    assert "4 workers instead of 2" in saving.advice


def test_a_long_class_at_the_end_is_a_matter_of_order() -> None:
    run = made_run(
        [Made(f"a.Class{number}.test", 1, worker=1 + number % 2) for number in range(4)]
        + [Made("z.Long.test", 4)],
        workers=2,
    )

    assert _seconds(analyse(run, []), Remedy.ORDER) == 2


def test_a_template_start_up_and_containers_cost_what_they_took() -> None:
    run = made_run([Made(ONE, 1)], discovery=3, template=7, begins=(2,))

    found = analyse(run, [])

    assert _seconds(found, Remedy.TEMPLATE) == 7
    assert _seconds(found, Remedy.START_UP) == 3
    assert _seconds(found, Remedy.CONTAINERS) == 2
    assert found.savings[0].remedy is Remedy.TEMPLATE


def test_fixtures_slow_tests_and_tries_cost_what_others_do_not() -> None:
    run = made_run(
        [*steady(10, 0.1), Made("b.B.test_slow", 3.1, tried=2)], fixtures={"shop.Steady": 4}
    )

    found = analyse(run, [])

    assert _seconds(found, Remedy.FIXTURES) == pytest.approx(4)
    assert _seconds(found, Remedy.SLOW_TESTS) == pytest.approx(3)
    assert _seconds(found, Remedy.RETRIES) == pytest.approx(2)
    slow = _saving(found, Remedy.SLOW_TESTS)
    assert slow is not None
    assert slow.names == ("b.B.test_slow",)


def test_long_lists_are_cut() -> None:
    before = made_run([Made(one.test_id, 0.1) for one in steady(40)])
    slow = {one.test_id for one in steady(40)[:12]}
    run = made_run([Made(one.test_id, 2 if one.test_id in slow else 0.1) for one in steady(40)])

    text = as_text(analyse(run, [before] * 3))

    assert "12 tests became slower:\n" in text
    assert "\n  and 2 more\n" in text


def test_ten_times_as_many_tests_take_about_ten_times_as_long() -> None:
    def processor_seconds(count: int) -> float:
        tests = [
            Made(f"shop.Class{number // 10}.test_{number}", 0.01 + number % 97 / 50)
            for number in range(count)
        ]
        run = made_run(tests)
        # A collection looks at all objects of the process, of which other tests have made many.
        gc.disable()
        try:
            begun = time.process_time()
            found = analyse(run, [run] * 20)
            seconds = time.process_time() - begun
        finally:
            gc.enable()
        assert found.durations.compared == count
        return seconds

    # What grew with the square would take a hundred times as long.
    assert processor_seconds(10_000) < 30 * processor_seconds(1_000)


def test_a_test_that_was_flaky_in_one_run_is_named_as_such() -> None:
    run = record_of(read(GOLDEN / "reruns" / "run.jsonl"))

    flaky = analyse(run, []).outcomes.flaky

    assert [test.test_id.rpartition(".")[2] for test in flaky] == [
        "test_fails_once",
        "test_fails_twice",
        "test_goes_off_once",
    ]
    assert "library.test_shop.Cart.test_fails_once\n    flaky\n" in as_text(analyse(run, []))
