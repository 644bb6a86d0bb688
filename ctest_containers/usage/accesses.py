"""Notes the files and folders that are read, and the programs that are started."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from ctest_containers.recording.accesses import CHANGES, WRITING
from ctest_containers.recording.askers import ON_BEHALF, Askers
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.usage.notes import Notes

__unittest = True

FOR_TESTS: Final = (
    *("conf/", "contrib/admin/", "contrib/auth/", "contrib/sitemaps/", "core/handlers/"),
    *("core/mail/", "core/management/", "core/validators.py", "forms/", "http/", "test/"),
    *("utils/", "views/"),
)
"""More files of Django that read on behalf of a test."""

PROGRAMS: Final = ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.system", "os.fork")

ONCE: Final = (".mo", "staticfiles.json")
"""Ends of the names of files that Django reads once in a process."""


def askers_for_tests(paths: PortablePaths) -> Askers:
    """What decides whether a test, or Django on its behalf, has caused an access."""
    return Askers(paths, on_behalf=(*ON_BEHALF, *FOR_TESTS))


class AccessWatch:
    """Notes accesses.

    Args:
        notes: Returns the notes of the unit that runs.
        base: Returns the notes of what counts for all tests.

    Attributes:
        written: The paths of files that were written.
    """

    def __init__(
        self, notes: Callable[[], Notes], base: Callable[[], Notes], askers: Askers
    ) -> None:
        self._notes = notes
        self._base = base
        self._askers = askers
        self.written: set[str] = set()

    def start(self) -> None:
        """Start noting accesses, in place of the watch that started before."""
        if not _NOTING:
            _add_hook()
        _NOTING.update(
            {
                "open": self._opened,
                "os.listdir": self._listed,
                "os.scandir": self._listed,
                "sqlite3.connect": self._connected,
                **dict.fromkeys(CHANGES, self._changed),
                **dict.fromkeys(PROGRAMS, self._started),
            }
        )

    def stop(self) -> None:
        """Stop noting accesses, unless another watch has started since."""
        if _NOTING.get("open") == self._opened:
            _NOTING.update(dict.fromkeys(_NOTING, None))

    def _opened(self, _: str, arguments: tuple[Any, ...], frame: FrameType) -> None:
        path, _mode, flags = arguments
        if not _is_path(path):
            return
        if isinstance(flags, int) and flags & WRITING:
            self.written.add(_absolute(path))
        elif self._askers.is_project(frame) and (name := _absolute(path)) not in self.written:
            notes = self._base() if name.endswith(ONCE) else self._notes()
            notes.files.add(name)

    def _listed(self, _: str, arguments: tuple[Any, ...], frame: FrameType) -> None:
        path = arguments[0] or "."
        if not _is_path(path) or not self._askers.is_project(frame):
            return
        if pattern := _pattern(frame):
            self._notes().matches.add((_absolute(path), os.fsdecode(pattern)))
        else:
            self._notes().folders.add(_absolute(path))

    def _connected(self, _: str, arguments: tuple[Any, ...], frame: FrameType) -> None:
        if not _is_path(arguments[0]):
            return
        path = os.fsdecode(arguments[0]).removeprefix("file:").partition("?")[0]
        if path and not path.startswith(":memory:") and self._askers.is_project(frame):
            self._notes().files.add(_absolute(path))

    def _changed(self, event: str, arguments: tuple[Any, ...], _: FrameType) -> None:
        for path in arguments[: 2 if event == "os.rename" else 1]:
            if _is_path(path):
                self.written.add(_absolute(path))

    def _started(self, event: str, arguments: tuple[Any, ...], frame: FrameType) -> None:
        if not self._askers.is_project(frame):
            return
        if event == "os.fork":
            # What the child uses is not recorded.
            reason = "starts a process of its own"
        elif event == "os.system":
            reason = f"starts the program {os.fsdecode(arguments[0]).split(' ')[0]}"
        else:
            reason = f"starts the program {os.path.basename(os.fsdecode(arguments[0]))}"  # noqa: PTH119
        self._notes().opaque.add(reason)


_NOTING: Final[dict[str, Callable[[str, tuple[Any, ...], FrameType], None] | None]] = {}
"""What notes each kind of event in this process."""


def _add_hook() -> None:
    """Add the only hook of this process, and of its forks: it is called often, and stays."""
    find = _NOTING.get

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        # There are many other events.
        if (note := find(event)) is not None:
            note(event, arguments, sys._getframe(1))

    sys.addaudithook(hook)


def _pattern(frame: FrameType | None) -> Any:
    """The pattern of a `glob` that lists a folder; empty if something else lists it."""
    while frame is not None and frame.f_code.co_filename == glob.__file__:
        if frame.f_code.co_name == "_glob1":
            return frame.f_locals["pattern"]
        frame = frame.f_back
    return ""


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, bytes, os.PathLike))


def _absolute(path: Any) -> str:
    # The current folder may change later.
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100
