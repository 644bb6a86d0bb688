"""Where a project's settings are found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctest_containers.errors import ProjectError
from ctest_containers.project.settings import VARIABLE, find_settings, import_from

MANAGE = """
import os

def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    raise SystemExit("manage.py must not be run")

main()
"""


@pytest.fixture(autouse=True)
def _no_settings_named() -> Iterator[None]:
    """Start without the variable, and put it back as it was."""
    before = os.environ.pop(VARIABLE, None)
    yield
    os.environ.pop(VARIABLE, None)
    if before is not None:
        os.environ[VARIABLE] = before


@pytest.mark.parametrize(
    "text",
    [
        MANAGE,
        "from os import environ\nenviron.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')",
        "# -*- coding: latin-1 -*-\n# \xe4\n" + MANAGE,
        MANAGE.replace("\n", "\r\n"),
        "\ufeff" + MANAGE,
    ],
)
def test_the_default_in_manage_py_is_taken(tmp_path: Path, text: str) -> None:
    encoding = "latin-1" if "latin-1" in text else "utf-8"
    (tmp_path / "manage.py").write_bytes(text.encode(encoding))

    find_settings(tmp_path)

    assert os.environ[VARIABLE] == "shop.settings"


def test_the_environment_wins_and_manage_py_is_not_even_read(tmp_path: Path) -> None:
    os.environ[VARIABLE] = "mine"
    (tmp_path / "manage.py").write_text("no program at all")

    find_settings(tmp_path)

    assert os.environ[VARIABLE] == "mine"


def test_an_empty_variable_names_nothing(tmp_path: Path) -> None:
    os.environ[VARIABLE] = ""
    (tmp_path / "manage.py").write_text(MANAGE)

    find_settings(tmp_path)

    assert os.environ[VARIABLE] == "shop.settings"


def test_without_manage_py_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="does not exist") as caught:
        find_settings(tmp_path)

    assert str(tmp_path) in caught.value.message
    assert "--settings" in caught.value.hint


def test_a_folder_called_manage_py_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "manage.py").mkdir()

    with pytest.raises(ProjectError):
        find_settings(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import os\n",
        "import os\nos.environ.setdefault('OTHER', 'shop.settings')",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', NAME)",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 7)",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE')",
    ],
)
def test_a_manage_py_without_a_default_is_told_apart_from_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "manage.py").write_text(text)

    with pytest.raises(ProjectError, match="names no settings module"):
        find_settings(tmp_path)

    assert VARIABLE not in os.environ


@pytest.mark.parametrize("content", [b"def main(:\n", b'x = "\xff"', b"x = 1\x00"])
def test_a_manage_py_that_is_no_program_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manage.py").write_bytes(content)

    with pytest.raises(ProjectError, match="is not valid Python"):
        find_settings(tmp_path)


def test_the_project_s_folder_is_where_its_modules_are_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["elsewhere"])

    import_from(tmp_path)
    import_from(tmp_path)

    assert sys.path == [str(tmp_path), "elsewhere"]
