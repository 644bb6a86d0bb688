"""Which changes on disk are changes of the project."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ctest_containers.watching.files import Changes, ProjectFiles, Watcher, is_litter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of two files."""
    for name in ("a.py", "b.html"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_file_with_other_contents_has_changed(folder: Path) -> None:
    files, path = ProjectFiles(folder), str(folder / "a.py")
    (folder / "a.py").write_text("other")

    assert files.changes([path], frozenset(), ()) == Changes(frozenset({path}))
    # Some editors write a file twice.
    assert not files.changes([path], frozenset(), ())


def test_created_and_deleted_files_change_what_can_be_found(folder: Path) -> None:
    files = ProjectFiles(folder)
    created, deleted = folder / "c.py", folder / "b.html"
    created.write_text("")
    deleted.unlink()

    changes = files.changes([str(created), str(deleted)], frozenset(), ())

    assert changes == Changes(frozenset({str(created), str(deleted)}), moved=True)
    assert sorted(files.python) == [str(folder / "a.py"), str(created)]


def test_a_deleted_folder_changes_the_files_that_were_in_it(folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "d.py").write_text("")
    files = ProjectFiles(folder)
    (folder / "in" / "d.py").unlink()
    (folder / "in").rmdir()

    changes = files.changes([str(folder / "in")], frozenset(), ())

    assert changes == Changes(frozenset({str(folder / "in" / "d.py")}), moved=True)


def test_a_file_that_tests_have_written_does_not_count(folder: Path) -> None:
    files, path = ProjectFiles(folder), str(folder / "out.txt")
    Path(path).write_text("")

    assert not files.changes([path], frozenset(), {path})


def test_a_file_that_no_list_contains_counts_if_the_project_has_read_it(folder: Path) -> None:
    files, path = ProjectFiles(folder), str(folder / ".secrets" / "env")
    Path(path).parent.mkdir()
    Path(path).write_text("DEBUG=1")

    assert not files.changes([path], frozenset(), ())
    assert files.changes([path], frozenset({path}), ())


@pytest.mark.parametrize(
    "path", [".git/index", "a/__pycache__/b.pyc", "a.py~", ".a.py.swp", ".#a.py", "4913"]
)
def test_by_products_are_litter(path: str) -> None:
    assert is_litter(path)
    assert not is_litter("shop/models.py")


@pytest.mark.parametrize("polls", [False, True])
def test_a_watcher_names_a_file_that_was_renamed_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, polls: bool
) -> None:
    if polls:
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")
    watcher = Watcher(folder)
    watcher.start()
    _wait_for_news(watcher)
    watcher.news()
    time.sleep(0.1)

    (folder / "beside").write_text("new")
    (folder / "beside").replace(folder / "a.py")
    seen: set[str] = set()
    deadline = time.monotonic() + 20
    while str(folder / "a.py") not in seen and time.monotonic() < deadline:
        _wait_for_news(watcher)
        seen.update(watcher.news())
    watcher.close()

    assert str(folder / "a.py") in seen


def _wait_for_news(watcher: Watcher) -> None:
    import select

    select.select([watcher], [], [], 5.0)
    assert os.fstat(watcher.fileno())
