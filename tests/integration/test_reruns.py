"""With --rerun, a failed test runs again alone on a new server; if it then passes, it is flaky."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import pytest
from harness.projects import PROJECTS, finish, run, start, toolkit, wait_for, write_tests
from harness.truths import truth

from ctest_containers.history.store import read
from ctest_containers.report.record import RunRecord, Status
from ctest_containers.report.recording import record_of

Env = dict[str, str]

OUTCOMES = PROJECTS / "outcomes"

ATTEMPT = '''
        def attempt(name):
            """The number of this attempt, which no process forgets."""
            file = Path(os.environ["ATTEMPTS"]) / name
            with file.open("a") as marks:
                marks.write("x")
            return len(file.read_text())
'''


@pytest.fixture
def attempts(tmp_path: Path) -> Path:
    """Where tests count their attempts."""
    folder = tmp_path / "attempts"
    folder.mkdir()
    return folder


def _run(project: Path, *arguments: str, env: Env, attempts: Path) -> tuple[int, str, RunRecord]:
    log = attempts.parent / "events.jsonl"
    done = run(
        project,
        *arguments,
        *("--event-log", str(log)),
        env={**env, "ATTEMPTS": str(attempts)},
    )
    return done.code, done.output, record_of(read(log))


def _statuses(run: RunRecord) -> dict[str, str]:
    return {test.name: test.status.value for test in run.tests.values()}


@pytest.mark.parametrize(("flaky", "code"), [("pass", 0), ("fail", 1)])
def test_a_test_that_passes_when_it_runs_again_is_flaky(
    flaky: str, code: int, project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class Cart(TestCase):
            def test_once(self):
                self.assertGreater(attempt("once"), 1, "the first time")

            def test_twice(self):
                self.assertGreater(attempt("twice"), 2)

            def test_steady(self):
                attempt("steady")
    """,
    )

    actual, output, record = _run(
        project, "--rerun", "2", "--flaky", flaky, env=sqlite_env, attempts=attempts
    )

    assert actual == code, output
    assert _statuses(record) == {
        "test_once": "flaky",
        "test_twice": "flaky",
        "test_steady": "passed",
    }
    assert f"2 flaky (--flaky {flaky})" in output
    assert "FLAKY: library.test_it.Cart.test_once" in output
    assert "the first time" in output
    assert ("FAILED" in output) == (code == 1)
    assert len((attempts / "steady").read_text()) == 1


def test_of_attempts_that_all_fail_the_first_is_reported(
    project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class Cart(TestCase):
            def test_never(self):
                self.fail(f"attempt {attempt('never')} of it")
    """,
    )

    code, output, record = _run(project, "--rerun", "2", env=sqlite_env, attempts=attempts)

    assert code == 1
    assert "FAILED (failures=1)" in output
    (test,) = record.tests.values()
    assert "attempt 1 of it" in output
    assert "attempt 2 of it" not in output
    assert [problem.message for _, problem in test.problems] == ["attempt 1 of it"]
    again = [problem.message for attempt in test.reruns for _, problem in attempt.problems]
    assert again == ["attempt 2 of it", "attempt 3 of it"]


def test_a_project_that_always_fails_has_the_same_outcomes_with_reruns(
    sqlite_env: Env, tmp_path: Path
) -> None:
    expected = truth(OUTCOMES, "library", env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, "library", "--rerun", "1", env=sqlite_env, record=tmp_path / "ours")

    assert actual.outcomes == expected.outcomes
    assert (actual.ran, actual.code) == (expected.ran, expected.code)


def test_crashes_timeouts_subtests_fixtures_and_unexpected_successes_run_again(
    project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        def setUpModule():
            if attempt("module") == 1:
                raise RuntimeError("closed")

        class Ends(TestCase):
            def test_crash(self):
                if attempt("crash") == 1:
                    os._exit(3)

            def test_hangs(self):
                if attempt("hangs") == 1:
                    time.sleep(30)

            def test_subtest(self):
                with self.subTest(n=1):
                    self.assertGreater(attempt("subtest"), 1)

            @unittest.expectedFailure
            def test_surprise(self):
                self.assertEqual(attempt("surprise"), 1)

        class Stuck(TestCase):
            @classmethod
            def tearDownClass(cls):
                super().tearDownClass()
                if attempt("class") == 1:
                    raise RuntimeError("stuck")

            def test_opens(self):
                pass
    """,
    )

    code, output, record = _run(
        project,
        *("--rerun", "3", "--flaky", "pass", "--timeout-per-test", "1"),
        env=sqlite_env,
        attempts=attempts,
    )

    assert code == 0, output
    assert {outcome.test_id for _, outcome in record.flaky_fixtures} == {
        "setUpModule (library.test_it)",
        "tearDownClass (library.test_it.Stuck)",
    }
    flaky = {name for name, status in _statuses(record).items() if status == "flaky"}
    assert flaky == {"test_crash", "test_hangs", "test_subtest", "test_surprise"}
    assert record.bad_fixtures == []


def test_an_attempt_has_a_new_server_and_a_new_process_to_itself(
    project: Path, postgresql_env: Env, attempts: Path, engine: docker.DockerClient
) -> None:
    body = """
        LEFT = []

        class Dirty(TransactionTestCase):
            def roles(self):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'left_%%'", [])
                    return [name for name, in cursor]

            def dirty(self, name):
                number = attempt(name)
                # A role belongs to the server; no reset of a database removes it.
                self.assertEqual((self.roles(), LEFT), ([], []) if number > 1 else ANY)
                with connection.cursor() as cursor:
                    cursor.execute("CREATE ROLE left_" + name)
                Author.objects.create(name=name)
                LEFT.append(name)
                self.assertGreater(number, 2, "dirty")

            def test_a(self):
                self.dirty("a")

            def test_b(self):
                self.dirty("b")

        class After(TransactionTestCase):
            def test_after(self):
                self.assertEqual(Dirty.roles(self), [])

        from unittest.mock import ANY
    """
    write_tests(project, ATTEMPT + body)

    code, output, record = _run(
        project,
        *("--rerun", "2", "--flaky", "pass", "--parallel", "1"),
        env=postgresql_env,
        attempts=attempts,
    )

    assert code == 0, output
    statuses = _statuses(record)
    assert (statuses["test_a"], statuses["test_b"]) == ("flaky", "flaky")
    servers = [ready.container for _, ready in record.workers[1].servers]
    # Two tests have two reruns each.
    assert len(set(servers)) >= 5
    assert record.started is not None
    assert engine.containers.list(all=True, filters={"name": record.started.run}) == []


def test_tests_run_again_while_other_workers_go_on(
    project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class Quick(SimpleTestCase):
            def test_a_fails_once(self):
                self.assertGreater(attempt("quick"), 1)

            def test_b_comes_after(self):
                pass

        class Waits(SimpleTestCase):
            def test_meets_the_rerun(self):
                end = time.monotonic() + 30
                file = Path(os.environ["ATTEMPTS"]) / "quick"
                while not file.exists() or len(file.read_text()) < 2:
                    self.assertLess(time.monotonic(), end, "nothing ran again meanwhile")
                    time.sleep(0.01)
    """,
    )

    code, output, record = _run(
        project,
        *("--rerun", "1", "--flaky", "pass", "--parallel", "2"),
        env=sqlite_env,
        attempts=attempts,
    )

    assert code == 0, output
    tests = {test.name: test for test in record.tests.values()}
    # The rest of its class ran first.
    assert tests["test_b_comes_after"].started < tests["test_a_fails_once"].started


def test_failfast_stops_at_the_first_failure_that_is_final(
    project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class A(TestCase):
            def test_flaky(self):
                self.assertGreater(attempt("flaky"), 1)

        class B(TestCase):
            def test_bad(self):
                self.fail(f"attempt {attempt('bad')}")

        class C(TestCase):
            def test_late(self):
                attempt("late")
    """,
    )
    options = ("--rerun", "1", "--failfast", "--parallel", "1")

    code, output, record = _run(project, *options, env=sqlite_env, attempts=attempts)

    assert code == 1, output
    statuses = _statuses(record)
    assert (statuses["test_flaky"], statuses["test_bad"]) == ("flaky", "failed")
    assert len((attempts / "bad").read_text()) == 2
    # It stops only when all attempts at the second test have failed.
    assert statuses["test_late"] == "not run"


def test_ctrl_c_during_a_rerun_leaves_the_first_failure(
    project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class A(TestCase):
            def test_slow(self):
                if attempt("slow") == 1:
                    self.fail("the first failure")
                time.sleep(60)
    """,
    )
    process = start(
        project, "--rerun", "1", env={**sqlite_env, "ATTEMPTS": str(attempts)}, forked=False
    )
    slow = attempts / "slow"
    wait_for(lambda: slow.exists() and len(slow.read_text()) == 2, 60, "the rerun")
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=3)
            break
        except subprocess.TimeoutExpired:
            continue
    else:
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 1, output
    assert "the first failure" in output
    assert "FAILED (failures=1)" in output


def test_spawned_workers_run_tests_again(project: Path, sqlite_env: Env, attempts: Path) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class A(TestCase):
            def test_flaky(self):
                self.assertGreater(attempt("flaky"), 1)
    """,
    )
    (project / "library" / "test_unloadable.py").write_text("import library.unwritten\n")

    code, output, record = _run(
        project,
        *("--rerun", "1", "--start-method", "spawn", "--parallel", "1"),
        env=sqlite_env,
        attempts=attempts,
    )

    assert code == 1, output
    assert record.counts[Status.FLAKY] == 1
    # A module that cannot be imported is not tried again.
    assert "FAILED (errors=1)" in output


def test_timings_are_those_of_the_attempt_that_passed(
    project: Path, sqlite_env: Env, attempts: Path, tmp_path: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class A(TestCase):
            def test_flaky(self):
                if attempt("flaky") == 1:
                    time.sleep(0.5)
                    self.fail("slow")
    """,
    )
    timings = tmp_path / "timings.json"

    _run(
        project,
        *("--rerun", "1", "--timings-file", str(timings)),
        env=sqlite_env,
        attempts=attempts,
    )

    tests: dict[str, Any] = json.loads(timings.read_text())["tests"]
    assert tests["library.test_it.A.test_flaky"]["seconds"] < 0.4


def test_jobs_that_share_tests_run_them_again_and_are_merged(
    project: Path, sqlite_env: Env, attempts: Path, tmp_path: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + "".join(
            f"""
        class Class{number}(TestCase):
            def test_{number}(self):
                self.assertGreater(attempt("{number}"), 1)
    """
            for number in range(4)
        ),
    )
    env = {**sqlite_env, "ATTEMPTS": str(attempts)}
    logs = tmp_path / "logs"
    logs.mkdir()
    for job in (1, 2):
        shard = ("--shard", f"{job}/2", "--event-log", str(logs / f"{job}.jsonl"))
        run(project, *shard, "--rerun", "1", env=env)

    done = run(project, "report", "merge", str(logs), "--junit", str(tmp_path / "m.xml"), env=env)

    assert done.code == 1, done.output
    assert "4 flaky" in done.output
    assert (tmp_path / "m.xml").read_text().count("<flakyFailure ") == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rerun", "-1"], "Invalid value '-1' for option --rerun"),
        (["--rerun", "often"], "Invalid value 'often' for option --rerun"),
        (["--flaky", "maybe"], "Invalid value 'maybe' for option --flaky"),
        (["--rerun", "1", "--pdb"], "--rerun cannot be combined with --pdb"),
        (["--rerun", "1", "--stress", "2"], "--rerun cannot be combined with --stress"),
        (["--rerun", "1", "--cluster", "tcp://nowhere:1"], "--rerun has no effect on the nodes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_by_name(
    arguments: list[str], words: str, sqlite_env: Env
) -> None:
    done = run(OUTCOMES, *arguments, env=sqlite_env)

    assert done.code == 2
    assert words in done.output


def test_a_fixture_that_is_skipped_once_is_not_skipped_again(
    project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        def tearDownModule():
            raise unittest.SkipTest("closed")

        class A(SimpleTestCase):
            def test_flaky(self):
                self.assertGreater(attempt("flaky"), 1)
    """,
    )

    code, output, record = _run(project, "--rerun", "1", env=sqlite_env, attempts=attempts)

    assert code == 1
    assert _statuses(record) == {"test_flaky": "flaky"}
    assert "FAILED (skipped=1)" in output


def test_only_the_first_failure_of_a_test_is_kept(
    project: Path, sqlite_env: Env, attempts: Path
) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class A(TestCase):
            def test_bad(self):
                self.fail(f"attempt {attempt('bad')}")
    """,
    )
    options = ("--rerun", "2", "--keep-failed", "3")

    code, output, _ = _run(project, *options, env=sqlite_env, attempts=attempts)

    assert code == 1
    assert re.search(r"database\w* of 1 failed test ", output), output


def test_a_verdict_on_flaky_tests_without_reruns_is_explained(sqlite_env: Env) -> None:
    done = run(OUTCOMES, "library.test_outcomes.Writing", "--flaky", "pass", env=sqlite_env)

    assert done.code == 0
    assert "--flaky has no effect without --rerun." in done.output


def test_manage_py_runs_failed_tests_again(project: Path, sqlite_env: Env, attempts: Path) -> None:
    write_tests(
        project,
        ATTEMPT
        + """
        class A(TestCase):
            def test_flaky(self):
                self.assertGreater(attempt("flaky"), 1)
    """,
    )
    runner = "--testrunner=ctest_containers.runner.ContainerTestRunner"
    command = [sys.executable, "manage.py", "test", runner, "--rerun", "1", "--flaky", "pass"]

    done = finish(command, project, {**sqlite_env, "ATTEMPTS": str(attempts)})

    assert done.code == 0, done.output
    assert "1 flaky" in done.output
