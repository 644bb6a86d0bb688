"""--failed runs the tests that failed last, until they pass; --failed-first begins with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from harness.projects import Finished, environment, finish, run, write_tests

Env = dict[str, str]

BODY = """
        BROKEN = set(os.environ.get("BROKEN", "").split())

        class A(TestCase):
            def test_a(self):
                self.assertNotIn("a", BROKEN)

            def test_b(self):
                if "b" in BROKEN:
                    raise ValueError

            def test_c(self):
                for n in range(2):
                    with self.subTest(n=n):
                        self.assertNotIn(f"c{n}", BROKEN)

        class B(TransactionTestCase):
            @classmethod
            def setUpClass(cls):
                super().setUpClass()
                assert "class" not in BROKEN

            def test_d(self):
                pass

            def test_e(self):
                self.assertNotIn("e", BROKEN)

        class Z(SimpleTestCase):
            def test_z(self):
                if "z" in BROKEN:
                    os._exit(3)
"""

ALL = "a b c1 class z"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """A cache of its own: each test begins without a record."""
    return environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})


def _run(project: Path, *arguments: str, env: Env, broken: str = "") -> Finished:
    return run(project, *arguments, "-v", "2", env={**env, "BROKEN": broken})


def _ran(done: Finished) -> list[str]:
    """The names of the tests that ran, in their order."""
    lines = (line for line in done.output.splitlines() if line.startswith("test_"))
    return [line.split()[0].removeprefix("test_") for line in lines if " ..." in line]


def test_only_the_tests_that_failed_run_until_they_pass(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    first = _run(project, env=env, broken=ALL)
    assert first.code == 1

    second = _run(project, "--failed", env=env, broken="a class")
    third = _run(project, "--failed", env=env)
    fourth = _run(project, "--failed", env=env)

    # The fixture of B failed again, so its tests do not begin.
    assert sorted(_ran(second)) == ["a", "b", "c", "z"]
    assert "Running only 6 tests that failed in the last run." in second.output
    assert sorted(_ran(third)) == ["a", "d", "e"]
    assert third.code == 0
    assert (fourth.code, fourth.output.strip()) == (
        0,
        "No test failed in the last run; nothing to run.",
    )


def test_tests_that_were_not_selected_keep_their_state(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    _run(project, env=env, broken="a e z")

    _run(project, "library.test_it.Z", env=env)
    labelled = _run(project, "--failed", "library.test_it.A", env=env, broken="a e")
    named = _run(project, "--failed", "-k", "test_e", env=env, broken="a e")
    none = _run(project, "--failed", "-k", "test_b", env=env, broken="a e")

    assert _ran(labelled) == ["a"]
    assert _ran(named) == ["e"]
    assert none.code == 0
    assert "None of the 2 failures of the last run is selected; nothing to run." in none.output
    assert sorted(_ran(_run(project, "--failed", env=env))) == ["a", "e"]


def test_without_a_record_nothing_is_run(project: Path, env: Env) -> None:
    write_tests(project, BODY)

    done = _run(project, "--failed", env=env)

    assert done.code == 0
    assert "No run of this project with these settings is on record; nothing to run." in done.output
    assert _ran(done) == []


def test_tests_that_no_longer_exist_are_dropped_and_counted(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    _run(project, env=env, broken="a b class")
    text = (project / "library" / "test_it.py").read_text()
    changed = text.replace("test_b", "test_renamed").replace("class B(", "class Renamed(")
    (project / "library" / "test_it.py").write_text(changed)

    done = _run(project, "--failed", env=env)

    assert _ran(done) == ["a"]
    assert "2 that failed no longer exist." in done.output
    again = _run(project, "--failed", env=env)
    assert "No test failed in the last run" in again.output


def test_a_module_that_cannot_be_imported_counts_as_its_tests(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    file = project / "library" / "test_it.py"
    text = file.read_text()
    _run(project, env=env, broken="a")
    file.write_text(f"import library.unwritten\n{text}")

    unloadable = _run(project, "--failed", env=env)
    file.write_text(text)
    loaded = _run(project, "--failed", env=env)

    assert unloadable.code == 1
    assert "No module named 'library.unwritten'" in unloadable.output
    assert "no longer" not in unloadable.output
    assert sorted(_ran(loaded)) == ["a", "b", "c", "d", "e", "z"]


def test_a_label_whose_module_cannot_be_imported_is_never_passed_over(
    project: Path, env: Env
) -> None:
    write_tests(project, BODY)
    file = project / "library" / "test_it.py"
    _run(project, "library.test_it.A", env=env, broken="a")
    file.write_text(f"import library.unwritten\n{file.read_text()}")

    for _ in range(2):
        unloadable = _run(project, "--failed", "library.test_it", env=env)

        assert unloadable.code == 1
        assert "No module named 'library.unwritten'" in unloadable.output


def test_tests_that_did_not_end_are_not_failed(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    _run(project, "--failfast", "--parallel", "1", env=env, broken="a b e")

    done = _run(project, "--failed", env=env)

    assert _ran(done) == ["a"]


def test_failed_tests_run_first(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    options = ("--parallel", "1")
    _run(project, *options, env=env, broken="c0 z")

    done = _run(project, "--failed-first", *options, env=env)

    assert done.code == 0
    assert sorted(_ran(done)) == ["a", "b", "c", "d", "e", "z"]
    assert _ran(done)[:2] == ["c", "a"]
    assert _ran(done).index("z") < _ran(done).index("d")
    assert "Running first 2 tests that failed in the last run." in done.output


def test_each_job_runs_the_failed_tests_of_its_shard(
    project: Path, env: Env, tmp_path: Path
) -> None:
    write_tests(project, BODY)
    _run(project, env=env, broken="a e z")
    logs = tmp_path / "logs"
    logs.mkdir()

    jobs = [
        _run(
            project,
            *("--failed", "--shard", f"{job}/2", "--event-log", str(logs / f"{job}.jsonl")),
            env=env,
            broken="z",
        )
        for job in (1, 2)
    ]

    ran = [name for job in jobs for name in _ran(job) if name != "z"]
    assert sorted(ran) == ["a", "e"]
    merged = run(project, "report", "merge", str(logs), env=env)
    assert "1 error, 2 passed" in merged.output
    assert _ran(_run(project, "--failed", env=env)) == ["z"]


def test_other_settings_have_another_record(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    (project / "outcomes" / "other.py").write_text("from outcomes.settings import *\n")
    _run(project, env=env, broken="a")

    done = _run(project, "--failed", "--settings", "outcomes.other", env=env)

    assert "No run of this project with these settings is on record" in done.output


def test_manage_py_runs_only_failed_tests(project: Path, env: Env) -> None:
    write_tests(project, BODY)
    runner = "--testrunner=ctest_containers.runner.ContainerTestRunner"
    command = [sys.executable, "manage.py", "test", runner, "-v", "2"]
    finish(command, project, {**env, "BROKEN": "a"})

    done = finish([*command, "--failed"], project, env)
    again = finish([*command, "--failed"], project, env)

    assert _ran(done) == ["a"]
    assert (again.code, "nothing to run" in again.output) == (0, True)


@pytest.mark.parametrize(("flaky", "ran"), [("pass", []), ("fail", ["a"])])
def test_a_flaky_test_counts_as_failed_if_the_run_fails_for_it(
    flaky: str, ran: list[str], project: Path, env: Env, tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        class A(TestCase):
            def test_a(self):
                file = Path(os.environ["MARK"])
                if not file.exists():
                    file.touch()
                    self.fail("the first time")
    """,
    )
    env = {**env, "MARK": str(tmp_path / "mark")}
    _run(project, "--rerun", "1", "--flaky", flaky, env=env)

    assert _ran(_run(project, "--failed", env=env)) == ran


def test_a_record_that_is_not_valid_is_replaced(project: Path, env: Env, tmp_path: Path) -> None:
    write_tests(project, BODY)
    file = tmp_path / "cache" / "ctest_containers" / "last-failed" / "outcomes.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"format": "ctest-containers-last-failed", "versi')

    _run(project, env=env, broken="a")

    content = json.loads(file.read_text())
    assert content["version"] == 1
    assert content["settings"]["outcomes.settings"]["tests"] == ["library.test_it.A.test_a"]
