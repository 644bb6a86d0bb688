"""Distinguishes the files of a project from those of Python, Django, packages and the toolkit."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Final

from ctest_containers.recording.module import INSTALLED
from ctest_containers.recording.portable_paths import PortablePaths

TOOLKIT: Final = f"{Path(__file__).resolve().parents[1]}{os.sep}"
"""The folder of the toolkit itself."""

COMPILED: Final = (".pyc", ".so", ".pyd")
"""Suffixes of files that are not inputs themselves."""


class ProjectFiles:
    """Names files, and the modules that are in them.

    Args:
        own: A folder with files of this run, which are not inputs.
    """

    def __init__(self, paths: PortablePaths, own: str = "") -> None:
        self.paths = paths
        self._own = f"{os.path.realpath(own)}{os.sep}" if own else ""
        # They are asked very often.
        self.is_wanted = functools.cache(self._is_wanted)
        self.name_of = functools.cache(self._name_of)
        self.is_of_project = functools.cache(self._is_of_project)
        self._modules: dict[str, str] = {}

    def _is_wanted(self, file: str) -> bool:
        """Whether the functions of a file are the project's."""
        return (
            not file.startswith(("<", TOOLKIT))
            and INSTALLED.isdisjoint(Path(file).parts)
            and not self.paths.is_python_s(file)
        )

    def module_of(self, file: str) -> str:
        """The name of the module with this file; empty if there is none."""
        name = self._modules.get(file)
        if name is None:
            for loaded, module in [*sys.modules.items()]:
                of_module = getattr(module, "__file__", None)
                # The program is imported under its own name as well, if at all.
                if isinstance(of_module, str) and loaded not in {"__main__", "__mp_main__"}:
                    self._modules.setdefault(of_module, loaded)
            name = self._modules.setdefault(file, "")
        return name

    def _is_of_project(self, name: str) -> bool:
        """Whether a module, or a name in one, may be the project's."""
        top = name.partition(".")[0]
        module = sys.modules.get(top)
        if module is None:
            # It may be added.
            return top not in sys.stdlib_module_names
        places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
        return any(map(self.is_wanted, filter(None, places)))

    def _name_of(self, path: str) -> str:
        """The name of a file or folder; empty if it is not an input."""
        if path.endswith(COMPILED) or self.paths.is_python_s(path):
            return ""
        if self._own and f"{os.path.realpath(path)}{os.sep}".startswith(self._own):
            return ""
        return self.paths.name_of(path)
