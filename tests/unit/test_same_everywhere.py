"""A fingerprint is the same on every machine, for every user, and in every Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import django
import pytest
from harness.tiers import further

ROOT = Path(__file__).parents[2]
OUTCOMES = ROOT / "tests" / "projects" / "outcomes"

PROGRAM = """
import os, sys
sys.path[:0] = [os.getcwd(), *sys.argv[1:]]
os.environ["DJANGO_SETTINGS_MODULE"] = "outcomes.settings"
import django
django.setup()
from ctest_containers.project.databases import plan_databases
from ctest_containers.project.schema import schema_inputs
from ctest_containers.fingerprint import fingerprint
(group,) = plan_databases().groups
print(fingerprint(schema_inputs(group, extra_files=())))
"""


def ask(folder: Path, python: str = sys.executable, env: Mapping[str, str] | None = None) -> str:
    """The fingerprint of a checkout of the sample project."""
    libraries = [str(ROOT), str(Path(django.__file__).parents[1])]
    return subprocess.check_output(
        [python, "-c", PROGRAM, *libraries],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        text=True,
    ).strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another checkout than the one of the tests, with other times and modes."""
    folder = tmp_path / "somewhere else" / "checkout"
    shutil.copytree(OUTCOMES, folder, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    for file in folder.rglob("*.py"):
        os.utime(file, (1e9, 1e9))
        file.chmod(0o600)
    return folder


def test_two_checkouts_have_one_fingerprint(checkout: Path) -> None:
    assert ask(checkout) == ask(OUTCOMES)


def test_two_users_have_one_fingerprint(checkout: Path, tmp_path: Path) -> None:
    somebody = {
        "HOME": str(tmp_path),
        "USER": "somebody",
        "LANG": "de_DE.UTF-8",
        "TZ": "Pacific/Auckland",
        "PYTHONHASHSEED": "4711",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }

    assert ask(checkout, env=somebody) == ask(OUTCOMES)


def pythons(*versions: str) -> list[str]:
    """The interpreters of these versions on this machine that have the tests' Django.

    There is always at least the one of the tests.
    """
    oldest = (3, 12) if django.VERSION >= (6, 0) else (3, 10)
    found = [
        str(python)
        for version in versions
        if tuple(map(int, version.split("."))) >= oldest
        for root in (Path.home() / ".pyenv" / "versions",)
        for python in sorted(root.glob(f"{version}.*/bin/python"))[:1]
    ]
    return found or [sys.executable]


def test_the_oldest_and_the_newest_python_find_one_fingerprint(checkout: Path) -> None:
    assert {ask(checkout, python) for python in pythons("3.10", "3.13")} == {ask(OUTCOMES)}


@further("The test before asks the oldest and the newest.")
def test_the_pythons_in_between_find_one_fingerprint(checkout: Path) -> None:
    assert {ask(checkout, python) for python in pythons("3.11", "3.12")} == {ask(OUTCOMES)}
