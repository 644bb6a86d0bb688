"""What earlier runs of a selection of tests needed; `test_standby` has commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctest_containers.supply.earlier_runs import MAX_SELECTIONS, EarlierRuns, SelectionNeeds

NEEDS = SelectionNeeds(("default", "other"), 4)


def _file(cache: Path) -> Path:
    """The file with the notes on the selections of the project `shop`."""
    return cache / "forecast" / "shop.json"


def _junk(cache: Path, needs: object) -> EarlierRuns:
    """Earlier runs whose note on the selection `a` has been overwritten."""
    file = _file(cache)
    forecast = EarlierRuns(cache)
    forecast.remember_selection("shop", ["a"], NEEDS)
    [key] = json.loads(file.read_text())
    file.write_text(json.dumps({key: needs}))
    return forecast


def test_what_a_selection_needed_is_remembered(tmp_path: Path) -> None:
    cache = tmp_path / "new" / "folder"

    EarlierRuns(cache).remember_selection("shop", ["shop.tests", "tag=slow"], NEEDS)

    assert EarlierRuns(cache).of_selection("shop", ["shop.tests", "tag=slow"]) == NEEDS


def test_another_selection_is_unknown(tmp_path: Path) -> None:
    forecast = EarlierRuns(tmp_path)

    forecast.remember_selection("shop", ["shop"], NEEDS)

    assert forecast.of_selection("shop", ["blog"]) is None
    assert forecast.of_selection("shop", []) is None
    assert forecast.of_selection("blog", ["shop"]) is None


def test_labels_do_not_run_together(tmp_path: Path) -> None:
    forecast = EarlierRuns(tmp_path)

    forecast.remember_selection("shop", ["a", "b"], NEEDS)

    assert forecast.of_selection("shop", ["ab"]) is None


def test_a_newer_note_replaces_an_older_one(tmp_path: Path) -> None:
    forecast = EarlierRuns(tmp_path)
    forecast.remember_selection("shop", ["a"], SelectionNeeds((), 1))

    forecast.remember_selection("shop", ["a"], NEEDS)

    assert forecast.of_selection("shop", ["a"]) == NEEDS


def test_nothing_is_known_without_a_file(tmp_path: Path) -> None:
    assert EarlierRuns(tmp_path).of_selection("shop", ["a"]) is None


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"\xff\xfe\x00", b"[]", b"7", b"null", b'{"a": ', b"\x00" * 9]
)
def test_a_junk_file_counts_as_empty_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    file = _file(tmp_path)
    file.parent.mkdir()
    file.write_bytes(content)
    forecast = EarlierRuns(tmp_path)

    before = forecast.of_selection("shop", ["a"])
    forecast.remember_selection("shop", ["a"], NEEDS)

    assert before is None
    assert forecast.of_selection("shop", ["a"]) == NEEDS


@pytest.mark.parametrize(
    "needs",
    [
        None,
        [],
        "x",
        7,
        {},
        {"aliases": None, "workers": 1},
        {"aliases": ["a"]},
        {"aliases": [], "workers": "x"},
        {"aliases": [], "workers": None},
        {"aliases": [], "workers": float("inf")},
    ],
)
def test_a_junk_note_counts_as_none(tmp_path: Path, needs: object) -> None:
    forecast = _junk(tmp_path, needs)

    assert forecast.of_selection("shop", ["a"]) is None


def test_a_folder_that_cannot_be_made_is_left_alone(tmp_path: Path) -> None:
    """A file where a folder should be stops everybody, root included."""
    (tmp_path / "file").write_text("")
    forecast = EarlierRuns(tmp_path / "file")

    forecast.remember_selection("shop", ["a"], NEEDS)

    assert forecast.of_selection("shop", ["a"]) is None


def test_a_file_that_cannot_be_replaced_is_left_alone(tmp_path: Path) -> None:
    file = _file(tmp_path)
    (file / "occupied").mkdir(parents=True)

    EarlierRuns(tmp_path).remember_selection("shop", ["a"], NEEDS)

    assert EarlierRuns(tmp_path).of_selection("shop", ["a"]) is None


def test_the_oldest_note_is_forgotten(tmp_path: Path) -> None:
    forecast = EarlierRuns(tmp_path)
    for number in range(MAX_SELECTIONS):
        forecast.remember_selection("shop", [str(number)], NEEDS)
    forecast.remember_selection("shop", ["0"], NEEDS)

    forecast.remember_selection("shop", ["one more"], NEEDS)

    assert forecast.of_selection("shop", ["1"]) is None
    for selection in ("0", "2", "one more"):
        assert forecast.of_selection("shop", [selection]) == NEEDS


def test_only_the_file_itself_is_left_in_its_folder(tmp_path: Path) -> None:
    EarlierRuns(tmp_path).remember_selection("shop", ["a"], NEEDS)

    assert [file.name for file in _file(tmp_path).parent.iterdir()] == ["shop.json"]


def test_a_folder_that_cannot_be_looked_into_counts_as_empty(tmp_path: Path) -> None:
    earlier = EarlierRuns(tmp_path / ("too long a name" * 30))

    assert not earlier.needed_host(tmp_path)
    assert earlier.of_command(tmp_path, ["run"]) is None
