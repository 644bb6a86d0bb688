"""Durations of past runs: measured, kept, and used so that the longest tests begin first."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from harness.projects import assert_agree, django, run, toolkit, write_tests

SLOW_LAST = """
        def note(name):
            with Path(os.environ["NOTES"]).open("a") as notes:
                notes.write(name + " ")

        class A1(SimpleTestCase):
            def test_short(self):
                note("A1")
                time.sleep(0.2)

        class A2(SimpleTestCase):
            def test_short(self):
                note("A2")
                time.sleep(0.2)

        class Z(SimpleTestCase):
            @classmethod
            def setUpClass(cls):
                super().setUpClass()
                note("Z")
                time.sleep(0.1)

            def test_slow(self):
                time.sleep(0.6)
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where this test's runs keep their timings."""
    return tmp_path / "timings.json"


@pytest.fixture
def env(sqlite_env: dict[str, str], kept: Path, tmp_path: Path) -> dict[str, str]:
    """The environment that names it, and the file in which tests note that they begin."""
    return {**sqlite_env, "TEST_TIMINGS_FILE": str(kept), "NOTES": str(tmp_path / "notes")}


def order(env: dict[str, str]) -> list[str]:
    """The classes in the order in which they began since this was asked last."""
    notes = Path(env["NOTES"])
    found = notes.read_text().split()
    notes.unlink()
    return found


def test_the_second_run_begins_with_what_took_longest_in_the_first(
    project: Path, env: dict[str, str], kept: Path
) -> None:
    write_tests(project, SLOW_LAST)
    run(project, "library.test_it", "--parallel", "2", env=env)
    first = order(env)

    found = json.loads(kept.read_text())
    run(project, "library.test_it", "--parallel", "2", env=env)

    assert (first[-1], order(env)[-1] != "Z") == ("Z", True)
    assert 0.6 <= found["tests"]["library.test_it.Z.test_slow"]["seconds"] < 9
    assert 0.1 <= found["fixtures"]["setUpClass (library.test_it.Z)"]["seconds"] < 9
    assert 0.1 <= found["classes"]["library.test_it.Z"]["seconds"] < 5
    assert json.loads(kept.read_text())["tests"]["library.test_it.Z.test_slow"]["runs"] == 2


@pytest.mark.parametrize("option", [["--reverse"], ["--shuffle", "3"]])
def test_an_order_that_was_asked_for_is_kept(
    option: list[str], project: Path, env: dict[str, str]
) -> None:
    write_tests(project, SLOW_LAST)
    arguments = ["library.test_it", *option, "--parallel"]
    run(project, *arguments, "1", env=env)
    wanted = order(env)

    done = run(project, *arguments, "2", env=env)

    assert set(order(env)[:2]) == set(wanted[:2])
    assert done.code == 0
    if option[0] == "--shuffle":
        assert "Using shuffle seed: 3" in done.output


def test_a_file_of_something_else_is_set_aside_with_a_word(
    project: Path, env: dict[str, str], kept: Path
) -> None:
    write_tests(project, SLOW_LAST)
    kept.write_text("not timings")

    done = run(project, "library.test_it", "--parallel", "2", env=env)

    assert done.code == 0
    assert f"The timings file {kept}" in done.output
    assert kept.with_name("timings.json.unreadable").read_text() == "not timings"
    assert len(json.loads(kept.read_text())["tests"]) == 3


def test_timings_go_out_and_in_as_json_and_csv(
    project: Path, env: dict[str, str], kept: Path, tmp_path: Path
) -> None:
    write_tests(project, SLOW_LAST)
    run(project, "library.test_it", env=env)
    before = json.loads(kept.read_text())

    for name in ("out.csv", "out.json"):
        exported = run(project, "timings", "export", str(tmp_path / name), env=env)
        kept.unlink()
        imported = run(project, "timings", "import", str(tmp_path / name), env=env)

        assert (exported.code, imported.code) == (0, 0), exported.output + imported.output
        assert "durations of 3 tests into" in imported.output
        assert json.loads(kept.read_text()) == before
    with (tmp_path / "out.csv").open() as file:
        names = [row["name"] for row in csv.DictReader(file) if row["kind"] == "tests"]
    assert names == sorted(before["tests"])


def test_timings_that_are_none_are_refused(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")

    done = run(project, "timings", "import", str(tmp_path / "bad.csv"), env=env)

    assert done.code == 2
    assert "the first line is not kind,name,seconds,runs,bytes,seen" in done.output
    assert "Traceback" not in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_the_memory_of_workers_is_measured_and_decides_the_next_run(
    project: Path, postgresql_env: dict[str, str], kept: Path
) -> None:
    label, env = "library.test_outcomes.Writing", {**postgresql_env, "TEST_TIMINGS_FILE": str(kept)}

    first = run(project, label, "-v", "2", env=env)
    memory = json.loads(kept.read_text())["memory"]
    second = run(project, label, "-v", "2", env=env)

    assert "512 MiB for each worker" in first.output
    assert 2**20 < memory["postgresql"]["bytes"] < 2**30
    assert 2**20 < memory["worker process"]["bytes"] < 2**30
    assert "for each worker as measured" in second.output


def test_queries_are_counted_without_a_trace_in_what_tests_see(
    project: Path, env: dict[str, str], kept: Path
) -> None:
    write_tests(
        project,
        """
        class Counting(TestCase):
            @classmethod
            def setUpTestData(cls):
                for number in range(5):
                    Author.objects.create(name=str(number))
                time.sleep(0.01)

            def test_three(self):
                self.assertEqual(connection.execute_wrappers, [])
                with self.assertNumQueries(3):
                    for _ in range(3):
                        Author.objects.count()

            def test_failing_query(self):
                try:
                    connection.cursor().execute("SELECT nothing")
                except Exception as error:
                    frames = traceback.extract_tb(error.__traceback__)
                    self.assertFalse([one for one in frames if "ctest" in one.filename])
    """,
    )
    test = project / "library" / "test_it.py"
    test.write_text("import traceback\n" + test.read_text())

    done = run(project, "library.test_it", env=env)

    assert done.code == 0, done.output
    found = json.loads(kept.read_text())
    queries = {name.rpartition(".")[2]: one["queries"] for name, one in found["tests"].items()}
    (fixture,) = [one for name, one in found["fixtures"].items() if "setUpClass" in name]
    # Django's own are among them: a savepoint and its rollback around each test, and such.
    assert queries["test_three"] >= 3
    assert 5 <= fixture["queries"] < 20


def test_a_test_that_takes_longer_than_ever_gets_another_try_and_then_the_full_limit(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        def is_first(name):
            file = Path(os.environ["NOTES"] + name)
            if "HANG" not in os.environ or file.exists():
                return False
            file.touch()
            return True

        class Hanging(TestCase):
            def test_once(self):
                if is_first("once"):
                    time.sleep(20)
                self.assertEqual(Author.objects.count(), 1)

            def test_once_in_c_code(self):
                if is_first("c"):
                    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
                    time.sleep(20)

            def test_always(self):
                if "HANG" in os.environ:
                    time.sleep(20)
    """,
    )
    test = project / "library" / "test_it.py"
    test.write_text("import signal\n" + test.read_text())
    options = ["library.test_it", "--adaptive-timeouts", "--timeout-per-test", "4"]
    for _ in range(3):
        assert run(project, *options, env=env).code == 0

    record = tmp_path / "record.json"
    done = toolkit(project, *options, env={**env, "HANG": "1"}, record=record)

    kinds = {name.split()[0]: kind for name, kind in done.kinds}
    assert kinds == {
        "test_always": "error",
        "test_once": "success",
        "test_once_in_c_code": "success",
    }
    assert done.output.count("retrying it with the full limit.") == 3
    assert "took longer than 4 s" in done.output
    assert "Ran 3 tests" in done.output


def test_a_class_that_is_longer_than_all_others_is_split_when_it_is_asked_for(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        class Giant(TestCase):
            @classmethod
            def setUpTestData(cls):
                cls.author = Author.objects.create(name="of the class")

            def test_a(self):
                time.sleep(0.3)

            def test_b(self):
                time.sleep(0.3)
                self.assertEqual(Author.objects.count(), 2)

            def test_c(self):
                time.sleep(0.3)

            def test_d(self):
                time.sleep(0.3)
                self.fail()

        class Broken(TestCase):
            @classmethod
            def setUpTestData(cls):
                raise ZeroDivisionError

            def test_a(self):
                pass
    """,
    )
    serial = django(project, "library.test_it", env=env, record=tmp_path / "serial.json")
    run(project, "library.test_it", "--parallel", "2", env=env)
    asked = ["library.test_it", "--parallel", "2", "--split-classes"]

    split = toolkit(project, *asked, env=env, record=tmp_path / "split.json")
    planned = run(project, "plan", *asked, env=env)

    assert_agree(serial, split)
    assert "5 tests in 5 batches" in planned.output


def test_a_plan_shows_what_each_number_of_workers_would_come_to_and_starts_nothing(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, SLOW_LAST)

    before = run(project, "plan", "library.test_it", env=env)
    run(project, "library.test_it", env=env)
    Path(env["NOTES"]).unlink()
    after = run(project, "plan", "library.test_it", "--parallel", "3", env=env)

    assert (before.code, after.code) == (0, 0), before.output + after.output
    assert "3 tests in 3 batches; no run has been measured yet." in before.output
    rows = [line.split() for line in after.output.splitlines()]
    (chosen,) = [row for row in rows if row[-1:] == ["chosen"]]
    assert chosen[0] == "3"
    assert [row[0] for row in rows if row[1:2] and row[2:3] == ["s"]] == ["1", "2", "3"]
    assert not Path(env["NOTES"]).exists()


def test_no_more_workers_start_than_help(project: Path, env: dict[str, str], kept: Path) -> None:
    write_tests(
        project,
        """
        class Long(SimpleTestCase):
            def test_it(self):
                time.sleep(0.5)

        class Short(SimpleTestCase):
            def test_it(self):
                pass
    """,
    )
    run(project, "library.test_it", env=env)
    timings = json.loads(kept.read_text())
    for kind in ("tests", "fixtures", "classes"):
        for name, measured in timings[kind].items():
            # On a busy machine, doing nothing may take a while.
            measured["seconds"] = 0.001 if "Short" in name else measured["seconds"]
    kept.write_text(json.dumps(timings))

    by_itself = run(project, "library.test_it", "--parallel", "auto", env=env)
    asked = run(project, "library.test_it", "--parallel", "2", env=env)

    assert "Running in 1 worker (more would not finish sooner)." in by_itself.output
    assert "Running in 2 workers" in asked.output


def test_a_worker_that_grows_beyond_its_limit_gets_a_new_process(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    body = "".join(
        f"""
        class Greedy{number}(TestCase):
            def test_it(self):
                KEPT.append(os.urandom(40 * 2**20))
                time.sleep(1.1)
                self.assertEqual(Author.objects.count(), 1)
        """
        for number in range(3)
    )
    write_tests(project, "        KEPT = []\n" + body)
    options = ["--parallel=1", "-v2"]
    limited = {**env, "DJANGO_TEST_WORKER_MAX_MEMORY": "70m"}

    done = toolkit(
        project, "library.test_it", *options, env=limited, record=tmp_path / "record.json"
    )

    assert [kind for _, kind in done.kinds] == ["success"] * 3, done.output
    assert done.output.count("continues in a new process") == 1
