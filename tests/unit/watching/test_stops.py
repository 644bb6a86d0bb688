"""Loading stops before a file is imported for the first time."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from ctest_containers.watching.stops import Stops


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with a package that imports two modules of its own."""
    package = tmp_path / "stopped_package"
    package.mkdir()
    (package / "__init__.py").write_text("from stopped_package import first, second\n")
    for name in ("first", "second"):
        (package / f"{name}.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return package


def test_what_is_written_while_loading_stops_is_imported(folder: Path) -> None:
    loaded: list[list[str]] = []

    def stop() -> None:
        names = (name for name in sys.modules if name.startswith("stopped_package."))
        loaded.append(list(names))
        (folder / "second.py").write_text("VALUE = 22\n")

    stops = Stops(stop)
    stops.files = frozenset({str(folder / "second.py")})
    try:
        with stops.stopping():
            importlib.import_module("stopped_package")
        assert sys.modules["stopped_package.second"].VALUE == 22
    finally:
        for name in [name for name in sys.modules if name.startswith("stopped_package")]:
            del sys.modules[name]

    assert loaded == [["stopped_package.first"]]
    assert stops not in sys.meta_path


def test_a_package_is_stopped_before_as_well(folder: Path) -> None:
    stopped: list[bool] = []
    stops = Stops(lambda: stopped.append(True))
    stops.files = frozenset({str(folder / "__init__.py")})

    stops.find_spec("stopped_package")
    stops.find_spec("stopped_package")

    assert stopped == [True]
