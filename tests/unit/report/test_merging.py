"""The logs of several jobs make the record that one job would have left."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from unit.report.made_jobs import NAMES, PLACES, log_of_job

from ctest_containers.errors import UsageError
from ctest_containers.events import OutcomeKind, ShardChosen
from ctest_containers.history import Entry
from ctest_containers.report.merging import merge
from ctest_containers.report.record import Status
from ctest_containers.report.recording import record_of


def _logs(*jobs: Sequence[Entry]) -> dict[str, Sequence[Entry]]:
    return {f"job-{number}.jsonl": one for number, one in enumerate(jobs)}


def test_tests_have_the_places_that_they_had_among_all() -> None:
    merged = merge(_logs(log_of_job(3), log_of_job(1), log_of_job(2)))

    run = record_of(merged.entries)
    assert [test.place.test_id for test in run.tests.values()] == list(NAMES)
    assert {test.status for test in run.tests.values()} == {Status.PASSED}
    assert not merged.trouble
    assert not run.has_failed


def test_workers_of_different_jobs_are_different_workers() -> None:
    run = record_of(merge(_logs(log_of_job(1), log_of_job(2), log_of_job(3))).entries)

    assert [test.worker for test in run.tests.values()] == [1, 2, 1, 3]
    assert run.planned is not None
    assert (run.planned.workers, run.planned.reason) == (6, "in 3 shards")


def test_what_happened_stands_in_the_order_in_which_it_did() -> None:
    merged = merge(_logs(log_of_job(2), log_of_job(1), log_of_job(3)))

    times = [entry.at for entry in merged.entries]
    assert times == sorted(times)
    run = record_of(merged.entries)
    # The second job began a minute after the first.
    assert run.tests[1].started - run.tests[0].started == 60.0
    assert run.started is not None
    assert run.started.run == "run1"


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        ([1, 2], "Shard 3 of 3 is missing, with 1 test."),
        ([3], "Shards 1, 2 of 3 are missing, with 3 tests."),
    ],
)
def test_a_shard_that_is_missing_is_named(there: list[int], sentence: str) -> None:
    merged = merge(_logs(*map(log_of_job, there)))

    assert list(merged.trouble) == [sentence]
    run = record_of(merged.entries)
    assert run.has_failed
    assert run.finished is not None
    assert run.finished.not_run == len(NAMES) - sum(len(PLACES[number]) for number in there)


def test_a_job_that_was_killed_is_named() -> None:
    merged = merge(_logs(log_of_job(1), log_of_job(2, ended=False), log_of_job(3)))

    assert list(merged.trouble) == ["Shard 2 of 3 did not finish."]


def test_why_a_job_has_ended_early_is_told() -> None:
    merged = merge(_logs(log_of_job(1), log_of_job(2, failure="No engine."), log_of_job(3)))

    assert list(merged.trouble) == ["Shard 2 of 3: No engine."]


def test_a_job_that_was_run_again_counts_as_it_ended_last() -> None:
    again = log_of_job(1, minute=30)

    merged = merge(
        _logs(log_of_job(1, kind=OutcomeKind.FAILURE), log_of_job(2), log_of_job(3), again)
    )

    assert not record_of(merged.entries).has_failed
    assert list(merged.notes) == ["Shard 1 of 3 has run more than once; job-3.jsonl is used."]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (log_of_job(2, of=4), "come from runs with 3 and 4 shards"),
        (log_of_job(2, tests="others"), "found different tests"),
        (log_of_job(2, timings="others"), "divided the tests by different timings"),
    ],
)
def test_jobs_that_have_divided_other_things_are_refused(other: list[Entry], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        merge(_logs(log_of_job(1), other))

    assert "job-0.jsonl and job-1.jsonl" in caught.value.message


def test_tests_that_two_jobs_have_are_refused() -> None:
    stolen = [
        entry._replace(event=dataclasses.replace(entry.event, number=2))
        if isinstance(entry.event, ShardChosen)
        else entry
        for entry in log_of_job(1)
    ]

    with pytest.raises(UsageError, match="in more than one"):
        merge(_logs(log_of_job(1), stolen))


def test_the_log_of_a_whole_run_is_refused_by_its_name() -> None:
    whole = [entry for entry in log_of_job(1) if not isinstance(entry.event, ShardChosen)]

    with pytest.raises(UsageError, match=r"job-0\.jsonl does not belong to a shard"):
        merge(_logs(whole))
