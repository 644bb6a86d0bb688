"""Files have the same names on every machine, however they are reached."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django
import pytest

from ctest_containers.recording.portable_paths import PortablePaths


def test_what_is_installed_has_its_name_through_a_symbolic_link_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real" / "site-packages").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "link" / "site-packages")])
    paths = PortablePaths.here()

    for folder in ("real", "link"):
        assert paths.name_of(f"{tmp_path}/{folder}/site-packages/shop.py") == "python:shop.py"


def test_a_checkout_on_the_search_path_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "real")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "link")])

    assert PortablePaths.here().installed == ()


def test_django_and_python_are_known_by_the_paths_that_their_code_has() -> None:
    paths = PortablePaths.here()

    assert paths.is_python_s(django.__file__)
    assert paths.is_python_s(str(Path(django.__file__).resolve()))
    assert paths.is_python_s(json.__file__)
    assert not paths.is_python_s(pytest.__file__)
