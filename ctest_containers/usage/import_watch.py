"""Notes what a process uses while it loads a project, for which no test is responsible."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from types import CodeType, FrameType
from typing import Any, Final

from ctest_containers.recording.askers import Askers
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.usage.accesses import AccessWatch, askers_for_tests
from ctest_containers.usage.functions import PREFERRED_TOOLS
from ctest_containers.usage.hooks import Hook, number_of
from ctest_containers.usage.model import BASE
from ctest_containers.usage.notes import Notes
from ctest_containers.usage.project_files import ProjectFiles
from ctest_containers.usage.watched_calls import WatchedCalls

RUNNING: Final = (
    *("ctest_containers.", "django.core.management.", "django.test.", "importlib._bootstrap."),
    *("_pytest.", "pluggy.", "unittest."),
)
"""The modules that run tests, or import modules."""

_BEGUN: Final[list[ImportWatch]] = []
"""The watch of this process, if it has begun."""


class ImportWatch:
    """Notes accesses to files and what is looked up, from `start` on.

    Which functions run is not noted; see `LoadedFunctions`.

    Attributes:
        notes: What was used.
        unwatched: The names of modules that were loaded before.
    """

    def __init__(self) -> None:
        self.files = ProjectFiles(PortablePaths.here())
        self.notes = Notes(BASE)
        self.unwatched: Collection[str] = frozenset(sys.modules)
        paths = self.files.paths
        wide = askers_for_tests(paths)
        self.accesses = AccessWatch(lambda: self.notes, lambda: self.notes, wide)
        self._calls = WatchedCalls(lambda: self.notes, lambda: self.notes, Askers(paths), wide)
        self._hooks: dict[int, tuple[CodeType, Hook]] = {}
        self._tool = -1

    def start(self) -> None:
        """Start noting."""
        self.accesses.start()
        os.register_at_fork(after_in_child=self.stop)
        if sys.version_info >= (3, 12):
            self._watch_calls()

    def stop(self) -> None:
        """Note nothing more."""
        self.accesses.stop()
        if self._tool >= 0:
            monitoring = vars(sys)["monitoring"]
            for code, _ in self._hooks.values():
                monitoring.set_local_events(self._tool, code, 0)
            monitoring.free_tool_id(self._tool)
            self._tool = -1

    @property
    def is_complete(self) -> bool:
        """Whether it notes everything; before Python 3.12, only files that are opened."""
        return self._tool >= 0

    def _watch_calls(self) -> None:
        monitoring: Any = vars(sys)["monitoring"]
        free = [number for number in PREFERRED_TOOLS if monitoring.get_tool(number) is None]
        if not free:
            return
        self._tool = free[0]
        monitoring.use_tool_id(self._tool, "ctest-containers imports")
        starts = monitoring.events.PY_START
        monitoring.register_callback(self._tool, starts, self._entered)
        for code, hook in self._calls.hooks():
            # Without units, a setting counts whether it exists or not.
            self._hooks[number_of(code)] = code, Hook(hook.enter or hook.fail)
            monitoring.set_local_events(self._tool, code, starts)

    def _entered(self, code: CodeType, _: int) -> None:
        frame = sys._getframe(1)
        try:
            enter = self._hooks[number_of(code)][1].enter
            if enter is not None and self._is_project_s(frame.f_back):
                enter(frame)
        except Exception as error:  # noqa: BLE001  # The project must not notice.
            self.notes.opaque.add(f"cannot be recorded ({type(error).__name__}: {error})")

    def _is_project_s(self, frame: FrameType | None) -> bool:
        """Whether the project has called something, rather than a package that is imported."""
        while frame is not None:
            name = str(frame.f_globals.get("__name__"))
            if name == "__main__" or f"{name}.".startswith(RUNNING):
                # A project may have a runner or a program of its own, which runs everything.
                return False
            if self.files.is_wanted(frame.f_code.co_filename):
                return True
            frame = frame.f_back
        return False


def begin() -> ImportWatch:
    """Return the watch of this process, which begins now unless it has begun.

    Call it before the project is loaded, as early as it is known that tests are recorded.
    """
    if not _BEGUN:
        _BEGUN.append(ImportWatch())
        _BEGUN[0].start()
    return _BEGUN[0]


def end() -> None:
    """End the watch of this process, if it has begun."""
    while _BEGUN:
        _BEGUN.pop().stop()
