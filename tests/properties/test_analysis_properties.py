"""No record breaks the analysis of a run, and no machine's speed changes what it finds."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from unit.made_runs import STARTED, Made, made_run

from ctest_containers.events import (
    Event,
    FixtureFinished,
    FixtureStarted,
    OutcomeKind,
    Phase,
    PhaseStarted,
    TemplateBuilt,
    TestFinished,
    TestOutcome,
    TestPlace,
    TestRetried,
    TestsFound,
    TestStarted,
    WorkersPlanned,
)
from ctest_containers.report.analysis import analyse, as_json, as_text
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import record_of

ANY_TIME = st.floats()
SECONDS = st.floats(min_value=0.001, max_value=100)
INDEX = st.integers(0, 6)
WORKER = st.integers(0, 3)
NAMES = [f"shop.Class{number % 2}.test_{number}" for number in range(7)]
FIXTURES = st.sampled_from(["setUpClass (shop.Class0)", "setUpModule (shop)"])
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.just(STARTED),
    st.builds(replace, st.just(STARTED), startup_seconds=ANY_TIME),
    st.builds(PhaseStarted, phase=st.sampled_from(Phase)),
    st.builds(
        WorkersPlanned,
        workers=st.integers(0, 5),
        reason=st.text(max_size=3),
        limits=st.just(()),
        warnings=st.just(()),
    ),
    st.just(TestsFound(tests=tuple(TestPlace(test_id=name) for name in NAMES))),
    st.builds(TestStarted, worker=WORKER, index=INDEX, test_id=st.sampled_from(NAMES)),
    st.builds(
        TestRetried,
        worker=WORKER,
        index=INDEX,
        test_id=st.sampled_from(NAMES),
        limit_seconds=SECONDS,
    ),
    st.builds(TestFinished, worker=WORKER, index=INDEX, seconds=ANY_TIME),
    st.builds(
        TestOutcome,
        worker=WORKER,
        index=st.none() | INDEX,
        test_id=st.sampled_from(NAMES),
        kind=st.sampled_from(OutcomeKind),
    ),
    st.builds(FixtureStarted, worker=WORKER, fixture=st.text(max_size=5) | FIXTURES),
    st.builds(FixtureFinished, worker=WORKER, seconds=ANY_TIME),
    st.builds(
        TemplateBuilt,
        group=st.just("one"),
        fingerprint=st.just("f"),
        seconds=SECONDS,
        incremental=st.booleans(),
    ),
)
ANY_RUN = st.lists(st.tuples(ANY_TIME, EVENTS), max_size=40).map(record_of)
ORDERLY_RUN = st.lists(st.tuples(st.floats(0, 1e4), EVENTS), max_size=40).map(
    lambda events: record_of(sorted(events, key=lambda pair: pair[0]))
)


@st.composite
def _made(draw: st.DrawFn) -> RunRecord:
    workers = draw(st.integers(1, 4))
    tests = draw(
        st.lists(
            st.builds(
                Made,
                test_id=st.sampled_from([f"a.C{one}.test_{two}" for one in "abc" for two in "abc"]),
                seconds=SECONDS,
                kind=st.none() | st.sampled_from(OutcomeKind),
                worker=st.integers(1, workers),
                tried=st.just(0.0) | SECONDS,
            ),
            max_size=20,
            unique_by=lambda one: one.test_id,
        )
    )
    fixtures = draw(st.dictionaries(st.sampled_from(["a.Ca", "a.Cb"]), SECONDS))
    begins = draw(st.lists(SECONDS, min_size=workers, max_size=workers))
    return made_run(tests, fixtures=fixtures, workers=workers, begins=begins)


MADE = _made()


@given(ANY_RUN | ORDERLY_RUN | MADE, st.lists(ANY_RUN | ORDERLY_RUN | MADE, max_size=4))
def test_every_record_has_an_analysis(run: RunRecord, earlier: list[RunRecord]) -> None:
    found = analyse(run, earlier)

    assert as_text(found).endswith("\n")
    assert json.loads(json.dumps(as_json(found), allow_nan=False)) == as_json(found)


@given(ANY_RUN | ORDERLY_RUN | MADE)
def test_the_time_of_the_workers_adds_up(run: RunRecord) -> None:
    found = analyse(run, []).efficiency

    if found is not None:
        parts = [
            found.busy_seconds,
            found.beginning_seconds,
            found.end_seconds,
            found.given_up_seconds,
            found.between_seconds,
        ]
        whole = found.workers * found.span_seconds
        assert 0 <= found.share <= 1
        assert min(parts) >= -1e-9 * whole
        assert math.isclose(sum(parts), whole, rel_tol=1e-6)


@given(MADE, st.integers(0, 6))
def test_a_run_is_no_slower_than_itself(run: RunRecord, copies: int) -> None:
    found = analyse(run, [run] * copies)

    assert (found.durations.slower, found.durations.faster) == ((), ())
    assert (found.outcomes.failing, found.outcomes.fixed) == ((), ())


TABLES = st.integers(5, 12).flatmap(
    lambda count: st.lists(st.lists(SECONDS, min_size=count, max_size=count), min_size=4)
)


def _run(seconds: list[float]) -> RunRecord:
    return made_run([Made(f"a.A.test_{place}", one) for place, one in enumerate(seconds)])


@given(TABLES, st.integers(-8, 8))
def test_the_speed_of_the_machine_changes_no_verdict(
    table: list[list[float]], exponent: int
) -> None:
    """A power of two, which changes no digit of a duration."""
    *earlier, now = table
    factor = 2.0**exponent
    before = [_run(one) for one in earlier]

    found = analyse(_run(now), before).durations
    scaled = analyse(_run([factor * one for one in now]), before).durations

    assert [(one.test_id, one.runs) for one in scaled.slower] == [
        (one.test_id, one.runs) for one in found.slower
    ]
    assert [(one.test_id, one.runs) for one in scaled.faster] == [
        (one.test_id, one.runs) for one in found.faster
    ]


@given(
    st.lists(st.floats(0.02, 10), min_size=10, max_size=30),
    st.integers(3, 8),
    st.floats(0.2, 5),
    st.data(),
)
def test_a_test_that_takes_ten_times_as_long_is_found_and_it_alone(
    usual: list[float], runs: int, speed: float, data: st.DataObject
) -> None:
    slow = data.draw(st.integers(0, len(usual) - 1))
    noise = st.floats(0.98, 1.02)
    earlier = [_run([one * data.draw(noise) for one in usual]) for _ in range(runs)]
    now = [speed * one * (10 if place == slow else 1) for place, one in enumerate(usual)]

    found = analyse(_run(now), earlier).durations

    assert [one.test_id for one in found.slower] == [f"a.A.test_{slow}"]
    assert found.faster == ()
