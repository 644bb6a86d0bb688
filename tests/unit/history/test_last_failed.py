"""What failed last is kept for each settings module, whatever runs do at the same time."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.history.last_failed import (
    UNLOADED,
    LastFailed,
    LastFailedFile,
    LastOutcomes,
)

TESTS = st.sets(st.sampled_from([f"shop.tests.{kind}.test_{n}" for kind in "AB" for n in range(3)]))


@given(runs=st.lists(st.tuples(TESTS, TESTS), max_size=6))
def test_a_test_has_the_state_of_the_last_run_that_it_was_in(
    runs: list[tuple[set[str], set[str]]],
) -> None:
    states: dict[str, bool] = {}
    failed = LastFailed()
    for selected, broken in runs:
        states |= {test: test in broken for test in selected}
        outcomes = LastOutcomes(ended=set(selected), failed=selected & broken)
        failed = outcomes.applied_to(failed)

    assert failed.tests == {test for test, has_failed in states.items() if has_failed}
    assert all(failed.has(test) == has_failed for test, has_failed in states.items())


def test_a_class_whose_fixture_failed_counts_until_one_of_its_tests_has_run() -> None:
    broken = LastOutcomes(failed_owners={"shop.tests.A"}).applied_to(LastFailed())

    elsewhere = LastOutcomes(ended={"shop.tests.B.test_b"}).applied_to(broken)
    passed = LastOutcomes(ended={"shop.tests.A.test_a"}).applied_to(broken)

    assert elsewhere.has("shop.tests.A.test_a")
    assert not elsewhere.has("shop.tests.AB.test_a")
    assert passed == LastFailed()


def test_a_class_that_is_skipped_has_no_failed_tests_left() -> None:
    before = LastFailed(frozenset(["shop.tests.A.test_a"]), frozenset(["shop.tests.A"]))

    assert LastOutcomes(skipped_owners={"shop.tests.A"}).applied_to(before) == LastFailed()


def test_a_module_that_cannot_be_imported_now_stands_for_its_failed_tests() -> None:
    failed = LastFailed(frozenset(["shop.tests.A.test_a"]))

    assert failed.has(f"{UNLOADED}shop.tests")
    assert failed.known_by(f"{UNLOADED}tests") == {"shop.tests.A.test_a"}
    assert not failed.known_by(f"{UNLOADED}shop.test")


def test_a_module_that_cannot_be_imported_is_always_selected() -> None:
    """With a label, unittest gives its placeholder only the last part of its name."""
    assert LastFailed(frozenset(["shop.tests.A.test_a"])).has(f"{UNLOADED}other")


def test_a_file_keeps_each_settings_module_apart(tmp_path: Path) -> None:
    one, two = (LastFailedFile(tmp_path / "f.json", name) for name in ("one", "two"))

    one.update(LastOutcomes(ended={"a.B.c"}, failed={"a.B.c"}))

    assert one.read() == LastFailed(frozenset(["a.B.c"]))
    assert two.read() is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"format": "ctest-containers-last-failed", "version": 2, "settings": {"s": {}}}',
        '{"format": "ctest-containers-last-failed", "version": 1, "settings": 7}',
    ],
)
def test_a_file_that_is_not_valid_has_no_record(text: str, tmp_path: Path) -> None:
    file = LastFailedFile(tmp_path / "f.json", "s")
    file.path.write_text(text)

    assert file.read() is None
    assert file.update(LastOutcomes(failed={"a.B.c"})) == ""
    assert file.read() == LastFailed(frozenset(["a.B.c"]))


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    file = LastFailedFile(tmp_path / "taken" / "f.json", "s")

    assert "cannot be written" in file.update(LastOutcomes())


def _update(path: Path, worker: int, times: int) -> None:
    for number in range(times):
        test = f"a.B.test_{worker}_{number}"
        LastFailedFile(path, "s").update(LastOutcomes(ended={test}, failed={test}))


def test_runs_that_end_at_the_same_time_all_leave_their_failures(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_update, args=(path, each, 10)) for each in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    record = LastFailedFile(path, "s").read()
    assert record is not None
    assert len(record.tests) == 30


def test_a_run_that_is_killed_leaves_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    _update(path, 0, 1)
    for _ in range(5):
        process = multiprocessing.get_context("fork").Process(target=_update, args=(path, 1, 1_000))
        process.start()
        time.sleep(0.02)  # It is in the middle of its writes.
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()

        assert "a.B.test_0_0" in json.loads(path.read_text())["settings"]["s"]["tests"]
    _update(path, 2, 1)
    record = LastFailedFile(path, "s").read()
    assert record is not None
    assert "a.B.test_2_0" in record.tests
