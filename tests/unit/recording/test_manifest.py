"""A manifest tells by name what of a build's inputs is another today, and keeps no value of any."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from ctest_containers.recording.digests import CHANGED
from ctest_containers.recording.manifest import Manifest, differences, make_manifest
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.used import MOST_FILES, Used

SECRET = "open-sesame"

USED = Used(
    definitions=frozenset({("own_manifest", "ROLES"), ("own_manifest", "fill")}),
    files=frozenset({"seed/rows.csv", "seed/missing.csv"}),
    folders=frozenset({"seed"}),
    matches=frozenset({"seed/*.yaml", "./*.md"}),
    paths=frozenset({"switch"}),
    variables=frozenset({"OWN_TENANT", "OWN_UNSET"}),
    settings=frozenset({"OWN_LIMIT"}),
)

MODULE = """ROLES = ["viewer"]

def fill():
    return ROLES

def other():
    pass
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured_django: None) -> Path:
    """A project with one of each kind of input."""
    del configured_django
    folder = tmp_path / "checkout"
    (folder / "seed").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "own_manifest.py").write_text(MODULE)
    (folder / "seed" / "rows.csv").write_text("one\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("OWN_TENANT", SECRET)
    monkeypatch.setattr(settings, "OWN_LIMIT", {"rows": 3, "at": str(folder / "x")}, raising=False)
    return folder


def made() -> Manifest:
    """The manifest of today, as it is kept with a template."""
    found = Manifest.from_json(make_manifest(USED, PortablePaths.here()).to_json())
    assert found is not None
    return found


Change = Callable[[Path, pytest.MonkeyPatch], object]


def write(name: str, text: str) -> Change:
    return lambda folder, _: (folder / name).write_text(text)


def remove(name: str) -> Change:
    return lambda folder, _: (folder / name).unlink()


CHANGES: dict[str, tuple[Change, list[str]]] = {
    "a file": (write("seed/rows.csv", "two\n"), ["seed/rows.csv"]),
    "a file that is gone": (remove("seed/rows.csv"), ["seed/rows.csv", "the files in seed"]),
    "a file that was missing": (
        write("seed/missing.csv", ""),
        ["seed/missing.csv", "the files in seed"],
    ),
    "a folder": (write("seed/more.csv", ""), ["the files in seed"]),
    "what a pattern finds": (
        write("seed/more.yaml", ""),
        ["the files in seed", "the files like seed/*.yaml"],
    ),
    "what another pattern finds": (write("README.md", ""), ["the files like ./*.md"]),
    "what was only looked at": (write("switch", ""), ["switch"]),
    "a value": (
        write("own_manifest.py", MODULE.replace("viewer", "editor")),
        ["own_manifest.ROLES"],
    ),
    "a function": (
        write("own_manifest.py", MODULE.replace("return", "pass; return")),
        ["own_manifest.fill"],
    ),
    "a module that is gone": (
        remove("own_manifest.py"),
        ["own_manifest.ROLES", "own_manifest.fill"],
    ),
    "a variable": (
        lambda _, patch: patch.setenv("OWN_TENANT", "x"),
        ["environment variable OWN_TENANT"],
    ),
    "a variable that was not set": (
        lambda _, patch: patch.setenv("OWN_UNSET", ""),
        ["environment variable OWN_UNSET"],
    ),
    "a setting": (
        lambda _, patch: patch.setattr(settings, "OWN_LIMIT", 4),
        ["setting OWN_LIMIT"],
    ),
    "a setting that is gone": (
        lambda _, patch: patch.delattr(settings, "OWN_LIMIT"),
        ["setting OWN_LIMIT"],
    ),
}


def gain_attribute(module: Any) -> None:
    module.Plain.limit = 2


def replace_function(module: Any) -> None:
    original = module.fill

    @functools.wraps(original)
    def traced() -> Any:
        return original()

    module.fill = traced


def lose_attribute(module: Any) -> None:
    del module.Attributed.limit


def replace_method(module: Any) -> None:
    module.Plain.run = functools.wraps(module.Plain.run)(lambda _: 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (gain_attribute, ["own_loaded.Plain"]),
        (replace_function, ["own_loaded.fill"]),
        (lose_attribute, ["own_loaded.Attributed"]),
        (replace_method, ["own_loaded.Plain"]),
    ],
)
def test_what_others_do_to_functions_and_classes_is_named(
    change: Callable[[Any], None],
    expected: list[str],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "own_loaded.py").write_text(
        "class Plain:\n    def run(self): pass\n\n"
        "class Attributed:\n    limit = 1\n\ndef fill():\n    return 1\n"
    )
    monkeypatch.delitem(sys.modules, "own_loaded", raising=False)
    names = ("Plain", "Attributed", "fill")
    used = Used(definitions=frozenset(("own_loaded", name) for name in names))
    module = import_module("own_loaded")
    manifest = make_manifest(used, PortablePaths.here())
    assert differences(manifest, PortablePaths.here()) == []

    change(module)

    assert differences(manifest, PortablePaths.here()) == expected
    monkeypatch.delitem(sys.modules, "own_loaded")


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_is_named(
    what: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, named = CHANGES[what]
    manifest = made()
    assert differences(manifest, PortablePaths.here()) == []

    change(project, monkeypatch)

    assert sorted(differences(manifest, PortablePaths.here())) == sorted(named)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("pass", "return 5"),
        lambda text: f"# A comment.\n\n{text}\nUNUSED = 1\n",
        lambda text: text.replace("\n", "\r\n"),
    ],
    ids=["another function", "what nothing refers to", "line ends"],
)
def test_edits_of_what_has_not_run_change_nothing(
    edit: Callable[[str], str], project: Path
) -> None:
    manifest = made()

    (project / "own_manifest.py").write_bytes(edit(MODULE).encode())
    (project / "seed" / "rows.csv").write_bytes(b"one\r\n")
    (project / "seed" / ".rows.csv.swp").write_text("")
    os.utime(project / "seed" / "rows.csv", (1, 1))

    assert differences(manifest, PortablePaths.here()) == []


def test_another_checkout_has_the_same_manifest(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = made()
    elsewhere = project.rename(tmp_path / "elsewhere")
    monkeypatch.chdir(elsewhere)
    monkeypatch.syspath_prepend(str(elsewhere))
    limit = {"rows": 3, "at": str(elsewhere / "x")}
    monkeypatch.setattr(settings, "OWN_LIMIT", limit, raising=False)

    assert made() == manifest


def test_no_value_is_kept(project: Path) -> None:
    text = made().to_json()

    assert SECRET not in text
    assert "viewer" not in text
    assert str(project) not in text


def test_what_changes_during_a_build_counts_as_changed_afterwards(project: Path) -> None:
    began = time.time() - 60

    manifest = make_manifest(USED, PortablePaths.here(), since=began)

    assert manifest.others["files"]["seed/rows.csv"].startswith(CHANGED)
    assert make_manifest(USED, PortablePaths.here(), since=began).digest != manifest.digest
    assert "seed/rows.csv" in differences(manifest, PortablePaths.here())
    assert "own_manifest.ROLES" in differences(manifest, PortablePaths.here())
    assert project.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"modules": 3}', '{"unknown": {}}', "null"])
def test_what_is_no_manifest_cannot_be_read(text: str) -> None:
    assert Manifest.from_json(text) is None


def test_the_names_that_a_build_used_come_back_from_its_manifest_and_from_text(
    project: Path,
) -> None:
    assert made().used() == USED
    assert Used.from_json(USED.to_json()) == USED
    assert json.loads(USED.to_json())["files"] == ["seed/missing.csv", "seed/rows.csv"]
    assert project.exists()


def test_100_000_entries_are_compared_in_a_second_of_processor_time(project: Path) -> None:
    names = frozenset(f"missing/{number:06}" for number in range(100_000))
    manifest = make_manifest(Used(files=names), PortablePaths.here())
    began = time.process_time()

    found = differences(manifest, PortablePaths.here())

    assert (found, project.exists()) == ([], True)
    assert time.process_time() - began < 5


def test_more_files_than_that_count_by_their_folders(project: Path) -> None:
    names = {f"seed/{number}" for number in range(MOST_FILES + 1)}
    manifest = make_manifest(
        Used(files=frozenset(names), paths=frozenset({"switch"})), PortablePaths.here()
    )

    (project / "seed" / "rows.csv").write_text("two\n")

    assert manifest.used() == Used(trees=frozenset({"seed", ""}))
    assert "the files and their contents in seed" in differences(manifest, PortablePaths.here())
