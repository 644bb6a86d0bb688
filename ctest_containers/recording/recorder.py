"""Records what the code of a project uses while it builds a template."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import filterfalse
from pathlib import Path
from types import ModuleType
from typing import Final

from ctest_containers.recording.accesses import Accesses, AccessRecorder
from ctest_containers.recording.askers import TOOLS, Askers
from ctest_containers.recording.clocks import ClockRecorder, is_clock
from ctest_containers.recording.functions import function_recorder
from ctest_containers.recording.lookups import LookupRecorder
from ctest_containers.recording.module import INSTALLED
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.sources import Definition, Sources
from ctest_containers.recording.used import Used

CACHED: Final = type(functools.cache(id))
"""The type of functions that cache their answers."""

CODE_FILES: Final = (".pyc", ".so", ".pyd")
"""Suffixes of files that are not inputs themselves."""


class Recorder:
    """Records what this process uses from `start` until `stop`.

    Args:
        paths: Names the project's files.
        keyed: Names of packages whose sources are separate inputs: those of migrations.
        clock_in: Returns the clock that an SQL statement uses; empty for none.

    Attributes:
        reached: The definitions that were used until the last call of `so_far`, those of `keyed`
            packages included.
        sources: The modules as they were read first.
    """

    def __init__(
        self, paths: PortablePaths, keyed: Collection[str], clock_in: Callable[[str], str]
    ) -> None:
        self._paths = paths
        self._keyed = tuple(f"{name}." for name in keyed)
        self._others = ("<", *(f"{folder}/{name}/" for folder in paths.installed for name in TOOLS))
        # Files have many functions.
        self._functions = function_recorder(functools.cache(self._is_project_s))
        askers = Askers(paths)
        self._accesses = AccessRecorder(askers)
        self._lookups = LookupRecorder(askers)
        self._clocks = ClockRecorder(clock_in)
        self._cached: set[Definition] = set()
        self.reached: frozenset[Definition] = frozenset()
        self.sources = Sources()

    def start(self) -> None:
        """Start recording."""
        self._cached = set(self._cached_functions())
        self._functions.start()
        self._accesses.start()
        self._lookups.start()
        self._clocks.start()

    def so_far(self, classes: Iterable[type] = ()) -> Used:
        """The names of what was used until now; recording continues.

        Args:
            classes: Classes that were used even if none of their methods ran.
        """
        with self.paused(), _collecting_nothing():
            return self._used(classes)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Record nothing in this block."""
        self._pause()
        try:
            yield
        finally:
            self._accesses.resume()
            self._lookups.resume()

    def stop(self, classes: Iterable[type] = ()) -> Used:
        """Stop recording, and return the names of what was used.

        Args:
            classes: See `so_far`.
        """
        self._pause()
        self._functions.stop()
        self._clocks.stop()
        with _collecting_nothing():
            return self._used(classes)

    def written(self) -> set[str]:
        """The paths of files that were written."""
        return self._accesses.so_far().written

    def _pause(self) -> None:
        self._accesses.pause()
        self._lookups.pause()

    def _used(self, classes: Iterable[type]) -> Used:
        clocks, accesses = self._clocks.so_far(), self._accesses.so_far()
        sources = self.sources
        sources.look_again()
        codes = defaultdict[str, set[int]](set)
        for code in self._functions.so_far():
            if code.co_name != "<module>":
                codes[code.co_filename].add(code.co_firstlineno)
        modules = _modules_of(sys.modules)
        executed = {file for file in accesses.executed if self._is_project_s(file)}
        every = codes.keys() | executed
        installed = {file for file in every if not INSTALLED.isdisjoint(Path(file).parts)}
        # Code without a module is known by its file.
        others = every - modules.keys() - installed
        own = (codes.keys() & modules.keys()) - installed
        own = {file for file in own if not self._is_plain(modules[file].__name__)}
        ran = _definitions({file: codes[file] for file in own}, sources)
        bodies = {
            (kind.__module__, kind.__qualname__)
            for kind in classes
            if not self._is_plain(kind.__module__)
        }
        bodies |= {
            (module.__name__, name)
            for file, module in modules.items()
            # References of functions of migrations count anyway.
            if file in executed - installed and not self._is_keyed(module.__name__)
            if (source := sources.find(module.__name__)) is not None
            for name in source.effects()
        }
        named = sources.closure([*ran, *self._lookups.definitions, *bodies])
        cached = sources.closure(self._cached, have_run=True)
        definitions = named | cached
        settings = {name for definition in definitions for name in sources.settings(definition)}
        variables = {name for definition in cached for name in sources.variables(definition)}
        calls = {name for definition in definitions for name in sources.calls(definition)}
        self.reached = frozenset(definitions)
        return Used(
            definitions=frozenset(
                definition for definition in definitions if not self._is_keyed(definition[0])
            ),
            names=frozenset(
                name for definition in definitions for name in sources.names(definition)
            ),
            families=frozenset(sources.families(definitions)),
            files=self._names(accesses, accesses.files | others)
            | self._code_names(installed & codes.keys()),
            folders=self._names(accesses, accesses.folders),
            matches=frozenset(
                f"{name}/{pattern}"
                for folder, pattern in accesses.matches
                for name in self._names(accesses, [folder])
            ),
            paths=self._names(
                accesses,
                # Folders above the project exist wherever the project is.
                filterfalse(
                    self._paths.is_around, accesses.paths - accesses.files - accesses.folders
                ),
            ),
            variables=frozenset(accesses.variables | variables),
            settings=frozenset(self._lookups.settings | settings),
            programs=frozenset(accesses.programs),
            clocks=frozenset(
                {
                    *clocks,
                    *filter(is_clock, calls),
                    *(f"the program {name}" for name in accesses.programs),
                }
            ),
        )

    def _cached_functions(self) -> Iterator[Definition]:
        """The functions that were called before recording, and have cached their answers."""
        for file, module in _modules_of(sys.modules).items():
            if self._is_project_s(file) and INSTALLED.isdisjoint(Path(file).parts):
                # Reading the class of an object may run code.
                kinds = [value for value in vars(module).values() if issubclass(type(value), type)]
                for owner in (module, *kinds):
                    for value in [*vars(owner).values()]:
                        bound = type(value) in {staticmethod, classmethod}
                        function = value.__func__ if bound else value
                        if type(function) is CACHED and function.cache_info().currsize:
                            yield function.__module__, function.__qualname__

    def _is_project_s(self, file: str) -> bool:
        """Whether a file may be the project's, or an installed package's."""
        return not file.startswith(self._others) and not self._paths.is_python_s(file)

    def _code_names(self, files: Iterable[str]) -> frozenset[str]:
        """The names of files of installed packages."""
        names = map(self._paths.name_of, files)
        return frozenset(filter(None, names))

    def _is_keyed(self, module: str) -> bool:
        return f"{module}.".startswith(self._keyed)

    def _is_plain(self, name: str) -> bool:
        """Whether a module is keyed, and refers to keyed modules only."""
        module = self.sources.find(name) if self._is_keyed(name) else None
        return module is not None and module.is_plain

    def _names(self, accesses: Accesses, paths: Iterable[str]) -> frozenset[str]:
        """The names of files and folders, without written files and compiled code."""
        written = {os.path.abspath(path) for path in accesses.written}  # noqa: PTH100
        return frozenset(
            name
            for path in paths
            if not path.endswith(CODE_FILES)
            and os.path.abspath(path) not in written  # noqa: PTH100
            and not self._paths.is_python_s(os.path.abspath(path))  # noqa: PTH100
            and (name := self._paths.name_of(path))
        )


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Collect no garbage in this block: the many objects of parsed sources stay in use."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _modules_of(loaded: Mapping[str, ModuleType]) -> dict[str, ModuleType]:
    """Modules by their files."""
    return {
        file: module
        for module in [*loaded.values()]
        if isinstance(file := getattr(module, "__file__", None), str)
    }


def _definitions(lines: Mapping[str, Collection[int]], sources: Sources) -> set[Definition]:
    """The definitions at these lines of modules."""
    definitions: set[Definition] = set()
    for name, loaded in [*sys.modules.items()]:
        file = getattr(loaded, "__file__", None)
        if not isinstance(file, str) or file not in lines:
            continue
        if (module := sources.find(name)) is not None:
            definitions |= {(name, module.function_at(line)) for line in lines[file]}
    return definitions
