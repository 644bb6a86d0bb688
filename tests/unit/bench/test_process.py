"""Processes that are timed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from harness.bench import process
from harness.bench.trouble import BenchError


def test_a_process_is_timed_and_its_output_kept(tmp_path: Path) -> None:
    ended = process.run(
        [sys.executable, "-SIc", "import sys; print('said'); sys.exit(3)"],
        folder=tmp_path,
        env={},
        timeout_seconds=60,
    )

    assert (ended.code, ended.output) == (3, "said\n")
    assert 0 < ended.wall_seconds < 60
    assert ended.cpu_seconds >= 0


def test_a_process_that_takes_too_long_is_ended_and_its_last_words_told(tmp_path: Path) -> None:
    program = "import time; print('begins', flush=True); time.sleep(60)"

    with pytest.raises(BenchError, match=r"took longer than 0.3 s:\nbegins"):
        process.run([sys.executable, "-SIc", program], folder=tmp_path, env={}, timeout_seconds=0.3)


def test_what_changes_how_tests_are_run_does_not_reach_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("CTEST_CONTAINERS_PROJECT", "mine")
    monkeypatch.setenv("KEPT", "yes")

    found = process.environment({"MORE": "1"})

    assert (found["KEPT"], found["MORE"]) == ("yes", "1")
    assert not {"CI", "CTEST_CONTAINERS_PROJECT"} & set(found)
