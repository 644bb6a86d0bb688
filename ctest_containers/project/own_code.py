"""Finds the text of modules that are the project's own, or of packages that it has installed."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

OTHERS: Final = frozenset({"", "django", "ctest_containers", *sys.stdlib_module_names})
"""Packages whose text comes with a version, or decides nothing."""


def is_own(module: str) -> bool:
    """Whether a module belongs to the project, or to a package other than Django."""
    return module.partition(".")[0] not in OTHERS


def text_of(module: str) -> bytes | None:
    """The text of a module, which is not imported for it, but its packages are; None without."""
    file, _ = _found(module)
    if file is None or not file.endswith(".py"):
        return None
    with suppress(OSError):
        return Path(file).read_bytes()
    return None


def defining(module: str, name: str) -> str:
    """The module that `from module import name` reads: the one of that name, if it is one."""
    _, folders = _found(module)
    names = (f"{name}.py", f"{name}/__init__.py")
    is_module = any(Path(folder, one).is_file() for folder in folders for one in names)
    return f"{module}.{name}" if is_module else module


def _found(module: str) -> tuple[str | None, list[str]]:
    """The file of a module, and the folders in which its own modules are."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        return getattr(loaded, "__file__", None), list(getattr(loaded, "__path__", ()))
    # Whatever a package raises here, the migration that imports it will raise, and show.
    with suppress(Exception):
        spec = importlib.util.find_spec(module)
        if spec is not None:
            return spec.origin, list(spec.submodule_search_locations or ())
    return None, []
