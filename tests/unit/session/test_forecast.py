"""What is remembered of earlier runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctest_containers.session.forecast import KEPT_SELECTIONS, Forecast, Needs

NEEDS = Needs(("default", "other"), 4)


def _junk(file: Path, needs: object) -> Forecast:
    """A forecast whose note on the selection `a` has been overwritten."""
    forecast = Forecast(file)
    forecast.remember(["a"], NEEDS)
    [key] = json.loads(file.read_text())
    file.write_text(json.dumps({key: needs}))
    return forecast


def test_what_a_selection_needed_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "shop.json"

    Forecast(file).remember(["shop.tests", "tag=slow"], NEEDS)

    assert Forecast(file).get(["shop.tests", "tag=slow"]) == NEEDS


def test_another_selection_is_unknown(tmp_path: Path) -> None:
    forecast = Forecast(tmp_path / "shop.json")

    forecast.remember(["shop"], NEEDS)

    assert forecast.get(["blog"]) is None
    assert forecast.get([]) is None


def test_labels_do_not_run_together(tmp_path: Path) -> None:
    forecast = Forecast(tmp_path / "shop.json")

    forecast.remember(["a", "b"], NEEDS)

    assert forecast.get(["ab"]) is None


def test_a_newer_note_replaces_an_older_one(tmp_path: Path) -> None:
    forecast = Forecast(tmp_path / "shop.json")
    forecast.remember(["a"], Needs((), 1))

    forecast.remember(["a"], NEEDS)

    assert forecast.get(["a"]) == NEEDS


def test_nothing_is_known_without_a_file(tmp_path: Path) -> None:
    assert Forecast(tmp_path / "none.json").get(["a"]) is None


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"\xff\xfe\x00", b"[]", b"7", b"null", b'{"a": ', b"\x00" * 9]
)
def test_a_junk_file_counts_as_empty_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "shop.json"
    file.write_bytes(content)
    forecast = Forecast(file)

    before = forecast.get(["a"])
    forecast.remember(["a"], NEEDS)

    assert before is None
    assert forecast.get(["a"]) == NEEDS


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
    forecast = _junk(tmp_path / "shop.json", needs)

    assert forecast.get(["a"]) is None


def test_a_folder_that_cannot_be_made_is_left_alone(tmp_path: Path) -> None:
    """A file where a folder should be stops everybody, root included."""
    (tmp_path / "file").write_text("")
    forecast = Forecast(tmp_path / "file" / "shop.json")

    forecast.remember(["a"], NEEDS)

    assert forecast.get(["a"]) is None


def test_a_file_that_cannot_be_replaced_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    (file / "occupied").mkdir(parents=True)

    Forecast(file).remember(["a"], NEEDS)

    assert Forecast(file).get(["a"]) is None


def test_the_oldest_note_is_forgotten(tmp_path: Path) -> None:
    forecast = Forecast(tmp_path / "shop.json")
    for number in range(KEPT_SELECTIONS):
        forecast.remember([str(number)], NEEDS)
    forecast.remember(["0"], NEEDS)

    forecast.remember(["one more"], NEEDS)

    assert forecast.get(["1"]) is None
    assert forecast.get(["0"]) == forecast.get(["2"]) == forecast.get(["one more"]) == NEEDS


def test_only_the_file_itself_is_left_in_its_folder(tmp_path: Path) -> None:
    Forecast(tmp_path / "shop.json").remember(["a"], NEEDS)

    assert [file.name for file in tmp_path.iterdir()] == ["shop.json"]
