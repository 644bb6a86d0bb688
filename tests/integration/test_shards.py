"""Jobs that share the tests of a run: together they have its outcomes, and make its reports."""

from __future__ import annotations

import json
from pathlib import Path

import junitparser
import pytest
from harness.projects import Finished, run, toolkit, write_tests

Env = dict[str, str]

JOBS = 3

ONE = """
        class One(TestCase):
            def test_one(self):
                self.assertEqual(Author.objects.count(), 1)
"""


def _jobs(project: Path, env: Env, folder: Path, *more: str) -> list[Finished]:
    """Run every job, one after another."""
    return [
        toolkit(
            project,
            *("--shard", f"{number}/{JOBS}", "--event-log", str(folder / f"{number}.jsonl")),
            *more,
            env=env,
            record=folder / f"{number}.json",
        )
        for number in range(1, JOBS + 1)
    ]


@pytest.mark.parametrize("known", [True, False], ids=["with timings", "without timings"])
def test_the_jobs_have_the_outcomes_of_the_whole_run_together(
    known: bool,  # noqa: FBT001
    project: Path,
    sqlite_env: Env,
    tmp_path: Path,
) -> None:
    whole = toolkit(project, "library.test_outcomes", env=sqlite_env, record=tmp_path / "all.json")
    env = sqlite_env if known else {**sqlite_env, "TEST_TIMINGS_FILE": str(tmp_path / "none")}

    jobs = _jobs(project, env, tmp_path, "library.test_outcomes")

    assert whole.code == 1
    assert sorted(one for job in jobs for one in job.outcomes) == sorted(whole.outcomes)
    assert all("Shard " in job.output for job in jobs)
    assert all(job.ran for job in jobs)
    merged = tmp_path / "merged.xml"
    done = run(project, "report", "merge", str(tmp_path), "--junit", str(merged), env=env)
    assert done.code == 1, done.output
    alone = tmp_path / "alone.xml"
    run(project, "library.test_outcomes", "--junit", str(alone), env=env)
    assert _cases(merged) == _cases(alone)


def _cases(file: Path) -> list[tuple[str, str, list[str]]]:
    return sorted(
        (str(case.classname), str(case.name), [type(one).__name__ for one in case.result])
        for suite in junitparser.JUnitXml.fromfile(str(file))
        for case in suite
    )


def test_a_job_that_is_missing_is_named_and_the_others_are_told(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    _jobs(project, sqlite_env, tmp_path, "library.test_outcomes")
    (tmp_path / "2.jsonl").unlink()

    done = run(project, "report", "merge", str(tmp_path), env=sqlite_env)

    assert done.code == 2
    assert "Shard 2 of 3 is missing, with " in done.output


def test_what_all_jobs_have_measured_divides_the_tests_of_the_next_run(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    timings = tmp_path / "timings.json"
    env = {**sqlite_env, "TEST_TIMINGS_FILE": str(timings)}
    _jobs(project, env, tmp_path, "library.test_outcomes")
    assert not timings.exists()

    run(project, "report", "merge", str(tmp_path), "--timings", str(timings), env=env)
    (first, *_) = _jobs(project, env, tmp_path, "library.test_outcomes")

    found = json.loads(timings.read_text())
    assert len(found["tests"]) > 20
    assert ", expected to take " in first.output


def test_jobs_that_have_other_timings_are_told_so(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    run(project, "library.test_outcomes", env=sqlite_env)
    _jobs(project, sqlite_env, tmp_path, "library.test_outcomes")
    env = {**sqlite_env, "TEST_TIMINGS_FILE": str(tmp_path / "none")}
    log = str(tmp_path / "2.jsonl")
    run(project, "library.test_outcomes", "--shard", "2/3", "--event-log", log, env=env)

    done = run(project, "report", "merge", str(tmp_path), env=sqlite_env)

    assert done.code == 2
    assert "divided the tests by different timings" in done.output
    assert "1.jsonl and " in done.output
    assert "2.jsonl" in done.output


def test_a_job_may_be_without_any_test(project: Path, sqlite_env: Env, tmp_path: Path) -> None:
    write_tests(project, ONE)
    jobs = _jobs(project, sqlite_env, tmp_path)

    assert {job.code for job in jobs} == {0}
    assert "Ran 0 tests" in "".join(job.output for job in jobs)
    done = run(project, "report", "merge", str(tmp_path), env=sqlite_env)
    assert done.code == 0, done.output


@pytest.mark.parametrize("value", ["0/3", "4/3", "1", "a/b", "1/0"])
def test_what_is_no_shard_is_refused_by_name(value: str, project: Path, sqlite_env: Env) -> None:
    done = run(project, "--shard", value, env=sqlite_env)

    assert done.code == 2
    assert "--shard" in done.output
    assert value in done.output


def test_an_event_log_that_is_there_is_replaced(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, ONE)
    log = tmp_path / "logs" / "events.jsonl"
    for _ in range(2):
        run(project, "--event-log", str(log), env=sqlite_env)

    told = run(project, "report", str(log), env=sqlite_env)

    assert "PASSED" in told.output
    assert log.read_text().count('"RunStarted"') == 1
