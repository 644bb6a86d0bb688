"""Timings are exported and imported with the recording of tests beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.usage.made_recordings import TODAY, ran, recorded

from ctest_containers.cli.commands.timings import timings
from ctest_containers.errors import UsageError
from ctest_containers.timings import Measured, TimingsFile
from ctest_containers.usage.store import RecordingFile

RECORDED = recorded(TODAY, {"test a.B.test_c": ran("index"), "base": ran("ready")})


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of this machine's timings."""
    file = tmp_path / "own.json"
    monkeypatch.setenv("TEST_TIMINGS_FILE", str(file))
    TimingsFile(file).merge(Measured(tests={"a.B.test_c": 1.0}))
    return file


def _units(file: Path) -> set[str]:
    return set(RecordingFile.beside(file).read()[0].units)


def test_the_recording_goes_with_the_timings(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = tmp_path / "shared.json"
    RecordingFile.beside(own).update(lambda _: RECORDED)

    timings(["export", str(shared)])
    RecordingFile.beside(own).path.unlink()
    timings(["import", str(shared)])

    assert _units(shared) == _units(own) == set(RECORDED.units)
    output = capsys.readouterr().out
    assert f"Imported the recording of 1 test into {own}.usage." in output


def test_an_export_without_a_recording_does_not_keep_that_of_an_earlier_one(
    own: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared.json"
    RecordingFile.beside(shared).update(lambda _: RECORDED)

    timings(["export", str(shared)])

    assert own.exists()
    assert not RecordingFile.beside(shared).path.exists()


def test_timings_without_a_recording_leave_that_of_this_machine(own: Path, tmp_path: Path) -> None:
    timings(["export", str(tmp_path / "shared.json")])
    RecordingFile.beside(own).update(lambda _: RECORDED)

    timings(["import", str(tmp_path / "shared.json")])

    assert _units(own) == set(RECORDED.units)


def test_a_damaged_recording_is_refused_before_anything_is_imported(
    own: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared.json"
    timings(["export", str(shared)])
    RecordingFile.beside(shared).path.write_bytes(b"damaged")
    own.unlink()

    with pytest.raises(UsageError, match=r"The recording of the tests in .*shared\.json\.usage"):
        timings(["import", str(shared)])

    assert not own.exists()


@pytest.mark.usefixtures("own")
def test_a_spreadsheet_has_no_recording_beside_it(tmp_path: Path) -> None:
    timings(["export", str(tmp_path / "shared.csv")])

    assert {file.name for file in tmp_path.glob("shared*")} == {"shared.csv"}
