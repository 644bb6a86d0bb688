"""Affected tests are selected by the recording beside the timings."""

from __future__ import annotations

import unittest
from pathlib import Path

import pytest

from ctest_containers.config import Config
from ctest_containers.errors import NothingToRun, UsageError
from ctest_containers.events import AffectedTestsChosen, Event, ReportLost
from ctest_containers.impact.today import Today
from ctest_containers.session.affected import AffectedTests
from ctest_containers.session.run_recording import RunRecording
from ctest_containers.usage.model import TEST, Usage
from ctest_containers.usage.packing import pack
from ctest_containers.usage.recording import Recording, Run
from ctest_containers.usage.store import RecordingFile


class OrderTests(unittest.TestCase):
    """Tests that are selected, and never run."""

    __test__ = False

    def test_one(self) -> None:
        pass

    def test_two(self) -> None:
        pass


TESTS = [OrderTests("test_one"), OrderTests("test_two")]
ONE, TWO = (test.id() for test in TESTS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured_django: None) -> Path:
    del configured_django
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text("1")
    return tmp_path


def record(folder: Path, **marks: str) -> None:
    units = pack({TEST + ONE: Usage(files=frozenset({"a.json"})), TEST + TWO: Usage()})
    inputs = Today.here({OrderTests}).inputs(units).to_json()
    recording = Recording(units=units, runs=dict.fromkeys(units, Run()), marks=marks, inputs=inputs)
    assert not RecordingFile.beside(folder / "timings.json").update(lambda _: recording)


def select(folder: Path, events: list[Event], *failed: str, **options: object) -> set[str] | None:
    config = Config(**{"affected": "", **options})  # type: ignore[arg-type]
    recording = RunRecording(config, RecordingFile.beside(folder / "timings.json"), events.append)
    affected = AffectedTests(config, recording, events.append)
    chosen = affected.select(TESTS, failed.__contains__)
    return None if chosen is None else set(chosen)


def test_without_the_option_all_tests_run_and_nothing_is_read(folder: Path) -> None:
    events: list[Event] = []

    assert select(folder, events, affected=None) is None
    assert events == []


def test_without_a_recording_all_tests_run_and_the_reason_is_reported(folder: Path) -> None:
    events: list[Event] = []

    assert select(folder, events) == {ONE, TWO}
    assert events == [
        AffectedTestsChosen(
            affected=2, not_affected=0, everything="no recording of the tests exists"
        )
    ]


def test_only_affected_tests_run(folder: Path) -> None:
    record(folder)
    (folder / "a.json").write_text("2")
    events: list[Event] = []

    assert select(folder, events) == {ONE}
    assert events == [AffectedTestsChosen(affected=1, not_affected=1)]


def test_failed_tests_run_as_well(folder: Path) -> None:
    record(folder)

    assert select(folder, [], TWO) == {TWO}


def test_if_nothing_is_affected_there_is_nothing_to_run(folder: Path) -> None:
    record(folder)

    with pytest.raises(NothingToRun, match=r"since the last recording; .* \(2 not affected\)"):
        select(folder, [])


def test_an_unreadable_recording_is_reported_and_all_tests_run(folder: Path) -> None:
    RecordingFile.beside(folder / "timings.json").path.write_bytes(b"nothing")
    events: list[Event] = []

    assert select(folder, events) == {ONE, TWO}
    assert isinstance(events[0], ReportLost)


def test_a_recording_of_another_version_lets_all_tests_run(folder: Path) -> None:
    recording = Recording(
        units=pack({TEST + ONE: Usage()}), runs={TEST + ONE: Run()}, inputs={"format": 0}
    )
    assert not RecordingFile.beside(folder / "timings.json").update(lambda _: recording)
    events: list[Event] = []

    assert select(folder, events) == {ONE, TWO}
    assert isinstance(events[0], AffectedTestsChosen)
    assert events[0].everything == "the recording was made by another version of the toolkit"


def test_an_explanation_names_each_reason_and_what_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(folder)
    (folder / "a.json").write_text("2")

    with pytest.raises(NothingToRun, match="1 test would run, 1 not affected"):
        select(folder, [], explain=True)
    assert capsys.readouterr().out == (
        f"{ONE}\n  a.json changed\nNot affected:\n  {TWO.rpartition('.')[0]}: 1 test\n"
    )


def test_a_revision_needs_a_repository(folder: Path) -> None:
    record(folder)

    with pytest.raises(UsageError, match="not in a Git repository"):
        select(folder, [], affected="main")
