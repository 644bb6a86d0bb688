"""Tests run again and again: each round as a run of its own, each test reported once."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from harness.projects import finish, interrupt, run, start, wait_for, write_tests

from ctest_containers.exit_codes import ExitCode

FLAKY = """
    class Flaky(TestCase):
        def test_fails_in_every_third_round(self):
            with Path(os.environ["ROUNDS"]).open("a") as file:
                file.write("x")
            self.assertTrue(Path(os.environ["ROUNDS"]).stat().st_size % 3, "every third")

        def test_passes(self):
            Author.objects.create(name="rolled back")
"""

SEEING = """
    NUMBERS = []

    class Seeing:
        def test_a(self):
            self.look()

        def test_b(self):
            self.look()

        def look(self):
            names = sorted(Author.objects.values_list("name", flat=True))
            NUMBERS.append(1)
            with Path(os.environ["SEEN"]).open("a") as file:
                file.write(f"{self.id()} {names}{len(NUMBERS) if os.environ['ALONE'] else ''}\\n")

    class Rows(Seeing, TestCase):
        pass

    class Flushing(Seeing, TransactionTestCase):
        pass

    class FlushingToo(Seeing, TransactionTestCase):
        pass

    class Leaving(Seeing, SimpleTestCase):
        databases = {"default"}

        def look(self):
            Seeing.look(self)
            Author.objects.create(name=f"left by {self.id()}")

    if os.environ["ALONE"]:
        # What such a class leaves is seen by the same worker only, as with Django's own runner.
        class Plain(Seeing, unittest.TestCase):
            look = Leaving.look
"""

ORDER = """
    class Order(SimpleTestCase):
        pass

    def note(self):
        with Path(os.environ["ROUNDS"]).open("a") as file:
            file.write(self.id().rpartition("_")[2] + " ")

    for number in range(8):
        setattr(Order, f"test_{number}", note)
"""

ENDLESS = """
    class Short(SimpleTestCase):
        def test_it(self):
            with Path(os.environ["ROUNDS"]).open("a") as file:
                file.write("x")
            time.sleep(0.05)
"""


def _statistics(log: Path) -> dict[str, Any]:
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (found,) = [event for event in events if event.get("type") == "StressFinished"]
    return dict(found)


def test_a_flaky_test_is_reported_once_with_its_failures(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(project, FLAKY)
    env = {**sqlite_env, "ROUNDS": str(project / "rounds")}
    reports = ("--junit", "junit.xml", "--html", "page.html", "--event-log", "log.jsonl")

    done = run(project, "--stress", "30", "--parallel", "1", *reports, env=env)

    assert done.code == ExitCode.FAILED
    assert "Ran 2 tests" in done.output
    assert "FAILED (failures=1)" in done.output
    assert "Stress: 30 of 30 rounds, 60 tests run, 10 failed" in done.output
    assert re.search(
        r"33\.3 %  \S+test_fails_in_every_third_round \(10 failed, 20 passed\)", done.output
    )
    assert "10x AssertionError: 0 is not true : every third" in done.output
    found = _statistics(project / "log.jsonl")
    (test,) = found["tests"]
    (failure,) = test["failures"]
    assert failure["rounds"] == list(range(3, 31, 3))
    assert "Traceback" in failure["text"]
    suites = ET.parse(project / "junit.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    assert "every third" in (project / "page.html").read_text()
    shown = run(project, "report", env=env)
    assert "Stress: 30 of 30 rounds" in shown.output


@pytest.mark.parametrize("workers", [1, 2])
def test_every_round_sees_what_a_serial_run_of_its_seed_sees(
    project: Path, sqlite_env: dict[str, str], workers: int
) -> None:
    write_tests(project, SEEING)
    seen, alone = project / "seen", "yes" if workers == 1 else ""
    env = {**sqlite_env, "SEEN": str(seen), "ALONE": alone}
    for seed in range(7, 12):
        serial = [sys.executable, "manage.py", "test", "--noinput", "--shuffle", str(seed)]
        assert finish(serial, project, env).code == 0
    expected = seen.read_text().splitlines()
    seen.unlink()

    run(project, "--stress", "5", "--shuffle", "7", "--parallel", str(workers), env=env)

    actual = seen.read_text().splitlines()
    assert actual == expected if alone else sorted(actual) == sorted(expected)


def test_every_round_sees_the_rows_of_a_new_server_on_postgresql(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(project, SEEING)
    seen = project / "seen"
    env = {**postgresql_env, "SEEN": str(seen), "ALONE": ""}
    for seed in (7, 8, 9):
        run(project, "--shuffle", str(seed), "--parallel", "1", env=env)
    expected = sorted(seen.read_text().splitlines())
    seen.unlink()

    done = run(project, "--stress", "3", "--shuffle", "7", "--parallel", "2", env=env)

    assert "Stress: 3 of 3 rounds, 24 tests run, none failed" in done.output
    assert sorted(seen.read_text().splitlines()) == expected


def test_the_seed_of_a_round_repeats_its_order(project: Path, sqlite_env: dict[str, str]) -> None:
    write_tests(project, ORDER)
    rounds = project / "rounds"
    env = {**sqlite_env, "ROUNDS": str(rounds)}
    alone = ("--parallel", "1")

    run(project, "--stress", "3", "--shuffle", "7", *alone, env=env)
    orders = rounds.read_text().split()
    rounds.unlink()
    run(project, "--shuffle", "9", *alone, env=env)

    assert sorted(orders[:8]) == sorted(orders[8:16]) == list(map(str, range(8)))
    assert orders[:8] != orders[8:16]
    assert rounds.read_text().split() == orders[16:]


def test_manage_py_repeats_tests_for_a_duration(project: Path, sqlite_env: dict[str, str]) -> None:
    write_tests(project, ENDLESS)
    env = {**sqlite_env, "ROUNDS": str(project / "rounds")}
    runner = "--testrunner=ctest_containers.runner.ContainerTestRunner"

    done = finish(
        [sys.executable, "manage.py", "test", runner, "--stress", "1.5s", "--parallel", "2"],
        project,
        env,
    )

    assert done.code == ExitCode.PASSED
    ran = (project / "rounds").stat().st_size
    assert ran > 4
    assert f"{ran} tests run, none failed, in 1." in done.output
    assert "Stopping" not in done.output


def test_ctrl_c_prints_the_statistics_so_far(project: Path, sqlite_env: dict[str, str]) -> None:
    write_tests(project, ENDLESS)
    rounds = project / "rounds"
    process = start(project, "--stress", "100000", env={**sqlite_env, "ROUNDS": str(rounds)})
    wait_for(lambda: rounds.exists() and rounds.stat().st_size > 5, 60, "a few rounds")

    interrupt(process)
    output, _ = process.communicate(timeout=60)

    assert "Ran 1 test" in output
    assert f"{rounds.stat().st_size} tests run, none failed" in output
    assert re.search(r"Interrupted: \d+ of 100000 rounds completed\.", output)
    assert process.returncode == ExitCode.INTERRUPTED


def test_failfast_stops_at_the_first_failure(project: Path, sqlite_env: dict[str, str]) -> None:
    write_tests(project, FLAKY)
    env = {**sqlite_env, "ROUNDS": str(project / "rounds")}

    done = run(project, "--stress", "30", "--parallel", "1", "--failfast", env=env)

    assert done.code == ExitCode.FAILED
    assert (project / "rounds").stat().st_size == 3
    # The round is complete if the test that fails is the last one in its order.
    assert re.search("Stress: [23] of 30 rounds", done.output)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stress", "0"], "Invalid value '0' for option --stress: must be a number of rounds"),
        (["--stress", "x"], "Invalid value 'x' for option --stress: must be a number of rounds"),
        (["--stress", "2", "--cluster", "local"], "--stress cannot be combined with --cluster."),
        (["--stress", "2", "--shard", "1/2"], "--stress cannot be combined with --shard."),
    ],
)
def test_what_makes_no_sense_is_refused(
    project: Path, sqlite_env: dict[str, str], options: list[str], message: str
) -> None:
    done = run(project, *options, env=sqlite_env)

    assert message in done.output
    assert done.code == ExitCode.SETUP_FAILED
