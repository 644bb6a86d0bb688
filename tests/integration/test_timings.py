"""Durations of past runs: measured, kept, and used so that the longest tests begin first."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from harness.projects import run, write_tests

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
    assert f"The file of timings {kept}" in done.output
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
        assert "3 tests in" in imported.output
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
