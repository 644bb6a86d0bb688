"""Which tests a change can reach, and what a round does with their labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctest_containers.watching.files import Changes
from ctest_containers.watching.playing import without_parts
from ctest_containers.watching.selection import Mentions, Selection, affected


@pytest.fixture
def python_files(tmp_path: Path) -> list[str]:
    """A model, and two test modules."""
    contents = {"models.py": "", "test_a.py": "", "test_b.py": "from test_base import Base"}
    contents["test_base.py"] = ""
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    return [str(tmp_path / name) for name in contents]


def select(names: list[str], python_files: list[str], folder: Path) -> Selection:
    modules = {str(folder / f"{name}.py"): name for name in ("test_a", "test_b", "test_base")}
    changes = Changes(frozenset(str(folder / name) for name in names))
    mentions = Mentions()
    return affected(
        changes, modules, lambda paths: mentions.are_elsewhere(paths, python_files), folder
    )


def test_a_test_module_affects_its_own_tests(python_files: list[str], tmp_path: Path) -> None:
    chosen = select(["test_a.py", "test_b.py"], python_files, tmp_path)

    assert chosen == Selection(("test_a", "test_b"), "test_a.py, test_b.py")


@pytest.mark.parametrize("name", ["models.py", "test_base.py", "page.html"])
def test_what_other_files_may_use_is_looked_up_in_the_recording(
    python_files: list[str], tmp_path: Path, name: str
) -> None:
    assert select([name], python_files, tmp_path) == Selection(None, name, ("--affected",))


def test_a_file_that_begins_or_ceases_to_mention_a_module_counts(
    python_files: list[str], tmp_path: Path
) -> None:
    mentions, model = Mentions(), tmp_path / "models.py"
    asked = frozenset({str(tmp_path / "test_a.py")})
    assert not mentions.are_elsewhere(asked, python_files)

    for text, is_mentioned in (("import test_a", True), ("", False)):
        model.write_text(text)
        mentions.update([str(model)])
        assert mentions.are_elsewhere(asked, python_files) == is_mentioned


def test_many_changed_files_are_counted(python_files: list[str], tmp_path: Path) -> None:
    chosen = select([f"m{number}.py" for number in range(5)], python_files, tmp_path)

    assert chosen.reason == "m0.py, m1.py, m2.py and 2 more"


def test_labels_of_parts_of_others_are_left_out() -> None:
    assert without_parts(["a.T.x", "b", "a.T", "b", "bc"]) == ["b", "a.T", "bc"]
