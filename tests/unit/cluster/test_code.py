"""A node has the parent's code, to the last file."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ctest_containers.cluster.code import differences, digest_of, manifest, packed, unpack


def _project(folder: Path) -> Path:
    for name in ("manage.py", "shop/models.py", "shop/templates/a.html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_what_a_run_leaves_beside_the_code_is_no_code(tmp_path: Path) -> None:
    project = _project(tmp_path)
    for name in ("shop/__pycache__/a.pyc", "db.sqlite3", ".cache/x", "node_modules/y.js"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")

    assert list(manifest(project)) == ["manage.py", "shop/models.py", "shop/templates/a.html"]


def test_what_git_ignores_is_no_code_and_what_is_not_committed_yet_is(tmp_path: Path) -> None:
    project = _project(tmp_path)
    subprocess.run(["git", "init", "--quiet", project], check=True)
    (project / ".gitignore").write_text("*.html\n")

    assert list(manifest(project)) == [".gitignore", "manage.py", "shop/models.py"]


def test_each_file_that_is_missing_or_differs_is_named(tmp_path: Path) -> None:
    here, there = _project(tmp_path / "here"), _project(tmp_path / "there")
    (there / "shop/models.py").write_text("changed")
    (there / "manage.py").unlink()

    found = list(differences(there, manifest(here)))

    assert found == ["manage.py", "shop/models.py"]
    assert list(differences(here, manifest(here))) == []


def test_code_that_is_shipped_is_the_same(tmp_path: Path) -> None:
    here = _project(tmp_path / "here")
    files = manifest(here)
    there = tmp_path / "there"

    for _ in range(2):
        unpack(packed(here, files), there)

    assert manifest(there) == files
    assert digest_of(manifest(there)) == digest_of(files)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
