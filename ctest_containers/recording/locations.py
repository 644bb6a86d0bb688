"""Finds the files of modules without importing them."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ctest_containers.recording.module import INSTALLED

VERSIONED: Final = frozenset({"django", "ctest_containers", "__main__", "__mp_main__"})
"""Packages whose versions are inputs, or that are none, and the program that was started."""

STANDARD_LIBRARY: Final = Path(sysconfig.get_path("stdlib"))


def locate(name: str) -> Path | None:
    """The file of a module that is neither Python's nor Django's; it is not imported."""
    if not name or name.partition(".")[0] in VERSIONED:
        return None
    loaded = getattr(sys.modules.get(name), "__file__", None)
    file = Path(loaded) if isinstance(loaded, str) else _search(name)
    if file is None or file.suffix != ".py" or is_python_s(file):
        return None
    return file


def is_python_s(file: Path) -> bool:
    """Whether a file belongs to Python itself."""
    start = f"{STANDARD_LIBRARY}/"
    path = str(file)
    # Most of many files are elsewhere.
    return path.startswith(start) and INSTALLED.isdisjoint(path.removeprefix(start).split("/"))


def _search(name: str) -> Path | None:
    """The file of a module that has not been imported."""
    top, *parts = name.split(".")
    spec = None
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    file = Path(spec.origin) if spec.origin else None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    for index, part in enumerate(parts):
        package_name = ".".join([top, *parts[:index]])
        # A loaded package may have extended its path.
        loaded: Iterable[str] = getattr(sys.modules.get(package_name), "__path__", ())
        starts = [folder / part for folder in [*map(Path, loaded)] or folders]
        package = next((start for start in starts if (start / "__init__.py").is_file()), None)
        module = next((start for start in starts if start.with_suffix(".py").is_file()), None)
        if package is not None:
            file, folders = package / "__init__.py", [package]
        elif module is not None:
            file, folders = module.with_suffix(".py"), []
        else:
            file, folders = None, starts
    return file
