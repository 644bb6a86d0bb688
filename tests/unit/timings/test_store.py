"""Timings survive other runs, other programs and trouble with their file."""

from __future__ import annotations

import datetime as dt
import json
import threading
from pathlib import Path

import pytest

from ctest_containers.timings import Measured, Timing, Timings, TimingsFile

TODAY = dt.date(2026, 1, 31)


@pytest.fixture
def file(tmp_path: Path) -> TimingsFile:
    """A file that does not exist yet, in a folder that does not either."""
    return TimingsFile(tmp_path / "new" / "timings.json")


def test_a_missing_file_is_empty_and_no_trouble(file: TimingsFile) -> None:
    assert file.read() == (Timings(), "")


def test_what_was_merged_is_read_again(file: TimingsFile) -> None:
    file.merge(Measured(tests={"a.B.test_c": 2.0}))
    file.merge(Measured(tests={"a.B.test_c": 1.0}, fixtures={"setUpClass (a.B)": 0.5}))

    timings, trouble = file.read()

    assert trouble == ""
    assert (timings.tests["a.B.test_c"].seconds, timings.tests["a.B.test_c"].runs) == (1.5, 2)
    assert timings.fixtures["setUpClass (a.B)"].seconds == 0.5


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"format": "another", "version": 1}', "\udcff", "9" * 5000]
    + [
        json.dumps({"format": "ctest-containers-timings", "version": version, "tests": tests})
        for version, tests in [(2, {"a": 1}), (1, [])]
    ],
)
def test_a_file_of_something_else_is_set_aside_and_named(content: str, file: TimingsFile) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content.encode("utf-8", "surrogateescape"))

    timings, trouble = file.read()

    assert timings == Timings()
    assert str(file.path) in trouble
    assert "It was renamed to timings.json.unreadable" in trouble
    assert not file.path.exists()
    assert file.path.with_name("timings.json.unreadable").exists()


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_an_entry_that_has_no_duration_is_left_out_alone(seconds: float, file: TimingsFile) -> None:
    file.path.parent.mkdir()
    good = Timing(1.0, 1, "2026-01-01")
    file.write(Timings(tests={"a": Timing(seconds, 1, "2026-01-01"), "b": good}))

    timings, trouble = file.read()

    assert (timings, trouble) == (Timings(tests={"b": good}), "")


@pytest.mark.parametrize("entry", [{}, {"seconds": "x"}, [], None, {"seconds": 1, "runs": 0}])
def test_only_the_invalid_entry_is_skipped(entry: object, file: TimingsFile) -> None:
    file.path.parent.mkdir()
    good = Timing(1.0, 1, "2026-01-01")
    file.write(Timings(tests={"b": good}))
    found = json.loads(file.path.read_text())
    found["tests"]["a"] = entry
    file.path.write_text(json.dumps(found))

    assert file.read() == (Timings(tests={"b": good}), "")


def test_a_place_that_cannot_be_written_is_named_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    trouble = TimingsFile(tmp_path / "file" / "timings.json").merge(Measured())

    assert "The timings cannot be written to" in trouble


def test_runs_that_end_at_once_lose_none_of_their_timings(file: TimingsFile) -> None:
    runs = [
        threading.Thread(target=file.merge, args=(Measured(tests={f"a.B.test_{number}": 1.0}),))
        for number in range(20)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert len(file.read()[0].tests) == 20
    assert {one.name for one in file.path.parent.iterdir()} <= {"timings.json", "timings.json.lock"}


def test_what_nobody_has_seen_for_long_is_forgotten() -> None:
    old = (TODAY - dt.timedelta(days=91)).isoformat()
    timings = Timings(tests={"old": Timing(1.0, 5, old), "new": Timing(1.0, 5, TODAY.isoformat())})

    assert set(timings.merged(Measured(), TODAY).tests) == {"new"}
    assert set(timings.merged(Measured(tests={"old": 1.0}), TODAY).tests) == {"new", "old"}


def test_the_memory_of_a_worker_is_known_once_each_of_its_parts_was_measured() -> None:
    timings = Timings().merged(Measured(memory={"worker process": 100, "postgresql": 50}), TODAY)

    assert timings.worker_bytes(["postgresql"]) == 150
    assert timings.worker_bytes([]) == 100
    assert timings.worker_bytes(["postgresql", "mysql"]) is None
    assert Timings().worker_bytes([]) is None


def test_a_peak_rises_at_once_and_falls_by_half_of_the_difference() -> None:
    timings = Timings()
    peaks = []
    for count in (100, 300, 100, 100):
        timings = timings.merged(Measured(memory={"postgresql": count}), TODAY)
        peaks.append(timings.memory["postgresql"].count)

    assert peaks == [100, 300, 200, 150]


def test_an_unknown_test_is_expected_to_be_an_average_one() -> None:
    known = {f"a.B.test_{seconds}": Timing(seconds, 1, "2026-01-01") for seconds in (1, 3)}
    timings = Timings(tests=known, classes={"a.B": Timing(0.5, 1, "2026-01-01")})

    assert timings.expected_seconds(["a.B.test_1"]) == 1.5
    assert timings.expected_seconds(["a.B.test_1", "a.B.test_new"]) == 3.5
    assert timings.expected_seconds(["x.Y.test_new"]) == 2.0
    assert Timings().expected_seconds(["a.B.test_1"]) is None
