"""Records what the code of a project uses while it builds a template."""

from __future__ import annotations

import functools
import os
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from ctest_containers.recording.accesses import TOOLS, Accesses, AccessRecorder
from ctest_containers.recording.functions import function_recorder
from ctest_containers.recording.module import INSTALLED
from ctest_containers.recording.places import Places
from ctest_containers.recording.sources import Definition, Sources
from ctest_containers.recording.used import Used

CODE_FILES: Final = (".pyc", ".so", ".pyd")
"""Ends of files that decide nothing themselves."""


class Recorder:
    """Records what this process uses from `start` until `stop`.

    Args:
        places: Where the project is.
        keyed: Names of packages whose text is an input by itself: those of migrations.
    """

    def __init__(self, places: Places, keyed: Collection[str]) -> None:
        self._places = places
        self._keyed = tuple(f"{name}." for name in keyed)
        self._others = ("<", *(f"{one}/{name}/" for one in places.installed for name in TOOLS))
        # Files have many functions.
        self._functions = function_recorder(functools.cache(self._is_project_s))
        self._accesses = AccessRecorder(places)

    def start(self) -> None:
        """Begin."""
        self._functions.start()
        self._accesses.start()

    def stop(self, classes: Iterable[type] = ()) -> Used:
        """End; gives the names of what was used.

        Args:
            classes: Those that were used even if none of their own methods ran.
        """
        accesses = self._accesses.stop()
        sources = Sources()
        codes = defaultdict[str, set[int]](set)
        for code in self._functions.stop():
            if code.co_name != "<module>":
                codes[code.co_filename].add(code.co_firstlineno)
        installed = {file for file in codes if not INSTALLED.isdisjoint(Path(file).parts)}
        ran = _definitions({file: codes[file] for file in codes.keys() - installed}, sources)
        bodies = {(one.__module__, one.__qualname__) for one in classes}
        found = sources.closure([*ran, *accesses.definitions, *bodies])
        settings = {name for one in found for name in sources.settings(one)}
        return Used(
            definitions=frozenset(one for one in found if not self._is_keyed(one[0])),
            files=self._names(accesses, accesses.files) | self._code_names(installed),
            folders=self._names(accesses, accesses.folders),
            paths=self._names(accesses, accesses.paths - accesses.files - accesses.folders),
            variables=frozenset(accesses.variables),
            settings=frozenset(accesses.settings | settings),
            programs=frozenset(accesses.programs),
        )

    def _is_project_s(self, file: str) -> bool:
        """Whether a file's functions may be a project's, or those of what it has installed."""
        return not file.startswith(self._others) and not self._places.is_python_s(file)

    def _code_names(self, files: Iterable[str]) -> frozenset[str]:
        """The names of files with code that is installed beside the project."""
        names = map(self._places.name_of, files)
        return frozenset(filter(None, names))

    def _is_keyed(self, module: str) -> bool:
        return f"{module}.".startswith(self._keyed)

    def _names(self, accesses: Accesses, paths: Iterable[str]) -> frozenset[str]:
        """The names of files and folders, without what was written or is code."""
        written = {os.path.abspath(one) for one in accesses.written}  # noqa: PTH100
        return frozenset(
            name
            for path in paths
            if not path.endswith(CODE_FILES)
            and os.path.abspath(path) not in written  # noqa: PTH100
            and not self._places.is_python_s(os.path.abspath(path))  # noqa: PTH100
            and (name := self._places.name_of(path))
        )


def _definitions(lines: Mapping[str, Collection[int]], sources: Sources) -> set[Definition]:
    """The definitions that have these lines of files; what no module has is left out."""
    modules = {
        file: name
        for name, module in [*sys.modules.items()]
        if isinstance(file := getattr(module, "__file__", None), str) and file in lines
    }
    found: set[Definition] = set()
    for file, name in modules.items():
        if (module := sources.find(name)) is not None:
            found |= {(name, module.function_at(line)) for line in lines[file]}
    return found
