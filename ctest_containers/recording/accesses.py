"""Records the files, variables and programs that a process uses."""

from __future__ import annotations

import glob
import os
import pathlib
import stat
import string
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, Final

from ctest_containers.recording.askers import Askers

FORKED: Final = "(a process of its own)"
"""Recorded as a program if the project has forked."""

MAPPINGS: Final = "collections.abc"
"""The module with the methods that all mappings inherit."""

EXPANDING: Final = ("expandvars", "repl")
"""Functions in which `os.path.expandvars` reads variables; the inner one in recent releases."""

CHANGES: Final = ("os.rename", "os.remove", "os.mkdir", "os.truncate")
"""Audit events of functions that change or remove files."""

WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(slots=True)
class Accesses:
    """What a process has used; files and folders by their paths.

    Attributes:
        files: Files that were read, or whose size or age was.
        folders: Folders that were listed.
        matches: Folders that were searched by a pattern, each with the pattern.
        paths: Files and folders whose existence was checked.
        executed: Files of modules that were executed.
        written: Files that were written, which are not inputs.
        variables: Environment variables that were read before the process itself set them.
        programs: Programs that were started.
    """

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    matches: set[tuple[str, str]] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    executed: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)


class AccessRecorder:
    """Records what this process uses from `start` on, until it is paused."""

    def __init__(self, askers: Askers) -> None:
        self._askers = askers
        self._found = Accesses()
        self._is_on = False
        self._set_variables: set[str] = set()
        self._copying = (0, 0)

    def start(self) -> None:
        """Start recording."""
        self._is_on = True
        sys.addaudithook(self._hook())
        self._watch_stat()
        self._watch_environment()

    def so_far(self) -> Accesses:
        """Everything recorded so far."""
        return self._found

    def pause(self) -> None:
        """Record nothing until `resume`."""
        self._is_on = False

    def resume(self) -> None:
        """Continue after `pause`."""
        self._is_on = True

    def _hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        """The audit hook; see https://docs.python.org/3/library/audit_events.html."""
        noting: dict[str, Callable[[str, tuple[Any, ...]], None]] = {
            "open": self._note_open,
            "exec": self._note_execution,
            **dict.fromkeys(("os.listdir", "os.scandir"), self._note_listing),
            "sqlite3.connect": self._note_database,
            **dict.fromkeys(CHANGES, self._note_change),
            **dict.fromkeys(("subprocess.Popen", "os.posix_spawn", "os.exec"), self._note_program),
            "os.fork": self._note_program,
            "os.system": self._note_program,
        }
        find = noting.get

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            # There are many thousands of other events.
            if (note := find(event)) is not None and self._is_on:
                note(event, arguments)

        return hook

    def _note_database(self, _: str, arguments: tuple[Any, ...]) -> None:
        path = _text(arguments[0]).removeprefix("file:").partition("?")[0]
        if path and not path.startswith(":memory:"):
            self._note(self._found.files, path)

    def _note_program(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._askers.is_project():
            return
        if event == "os.fork":
            # What the child reads is not recorded.
            name = FORKED
        elif event == "os.system":
            name = _text(arguments[0]).split(" ")[0]
        else:
            name = os.path.basename(_text(arguments[0]))  # noqa: PTH119
        self._found.programs.add(name)

    def _note_open(self, _: str, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if flags is not None and flags & WRITING:
            if _is_path(path):
                self._found.written.add(_text(path))
        else:
            self._note(self._found.files, path)

    def _note_change(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Record files that are changed or removed; paths may be relative to an open folder."""
        count = 2 if event == "os.rename" else 1
        folders = (-1,) if event == "os.truncate" else arguments[-count:]
        for path, folder in zip(arguments[:count], folders, strict=True):
            if not _is_path(path):
                continue
            above = ""
            if folder >= 0:
                with suppress(OSError):
                    above = os.readlink(f"/proc/self/fd/{folder}")  # noqa: PTH115
            self._found.written.add(os.path.join(above, _text(path)))  # noqa: PTH118

    def _note_listing(self, _: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0] or "."
        pattern = _pattern(sys._getframe(2))
        if not pattern:
            self._note(self._found.folders, path)
        elif _is_path(path) and self._askers.is_project():
            self._found.matches.add((os.path.abspath(_text(path)), _text(pattern)))  # noqa: PTH100

    def _note_execution(self, _: str, arguments: tuple[Any, ...]) -> None:
        code = arguments[0]
        if isinstance(code, CodeType) and code.co_name == "<module>":
            self._found.executed.add(code.co_filename)

    def _note(self, kind: set[str], path: Any) -> None:
        """Record a file or folder if the project, or Django on its behalf, has asked for it."""
        if _is_path(path) and self._askers.is_project():
            # The current folder may change later.
            kind.add(os.path.abspath(_text(path)))  # noqa: PTH100

    def _watch_stat(self) -> None:
        accesses = self._found

        def watched(original: Callable[..., Any]) -> Callable[..., Any]:
            def look(path: Any, *arguments: Any, **options: Any) -> Any:
                if not self._is_on:
                    return original(path, *arguments, **options)
                self._note(accesses.paths, path)
                result = original(path, *arguments, **options)
                is_file = isinstance(result, os.stat_result) and stat.S_ISREG(result.st_mode)
                if is_file and self._is_more_than_existence(sys._getframe(1)):
                    self._note(accesses.files, path)
                return result

            return look

        for name in ("stat", "lstat", "access", "readlink"):
            setattr(os, name, watched(getattr(os, name)))
        # In Python 3.10, `pathlib` has its own references.
        if accessor := vars(pathlib).get("_NormalAccessor"):
            for name in ("stat", "readlink"):
                setattr(accessor, name, staticmethod(getattr(os, name)))

    def _is_more_than_existence(self, frame: FrameType | None) -> bool:
        """Whether a caller of `os.stat` uses more than the existence of a file."""
        while frame is not None and self._askers.is_python_s(frame):
            if frame.f_code.co_name not in {"stat", "lstat"}:
                # `getsize`, `getmtime` and the like; all others check existence.
                return frame.f_code.co_name.startswith("get")
            # Methods of `Path`.
            frame = frame.f_back
        return frame is not None

    def _watch_environment(self) -> None:
        recorder = self

        class Environment(type(os.environ)):  # type: ignore[misc]
            """Environment variables that record who reads them."""

            def __getitem__(self, key: Any) -> Any:
                recorder._note_variable(key)
                return super().__getitem__(key)

            def __setitem__(self, key: Any, value: Any) -> None:
                recorder._set_variables.add(_text(key))
                super().__setitem__(key, value)

            def keys(self) -> Any:
                # Copying all variables does not count as reading one.
                recorder._copying = _place(sys._getframe(1))
                return super().keys()

        os.environ.__class__ = Environment
        os.environb.__class__ = Environment

    def _note_variable(self, key: Any) -> None:
        caller: FrameType | None = sys._getframe(2)
        assert caller is not None
        if not self._is_on or _place(caller) == self._copying:
            return
        while caller is not None and caller.f_globals.get("__name__") in {"os", MAPPINGS}:
            if caller.f_code.co_name == "__iter__":
                # Iterating over all variables does not count as reading one.
                return
            caller = caller.f_back
        if caller is None or self._is_python_s_own(caller) or not self._askers.is_project():
            return
        if (name := _text(key)) not in self._set_variables:
            self._found.variables.add(name)

    def _is_python_s_own(self, frame: FrameType) -> bool:
        """Whether Python reads a variable for itself, not for its caller."""
        code = frame.f_code
        is_for_caller = code.co_filename == string.__file__ or (
            frame.f_globals.get("__name__") == os.path.__name__ and code.co_name in EXPANDING
        )
        return self._askers.is_python_s(frame) and not is_for_caller


def _pattern(frame: FrameType | None) -> Any:
    """The pattern of a `glob` that lists a folder; empty if something else lists it."""
    while frame is not None and frame.f_code.co_filename == glob.__file__:
        if frame.f_code.co_name == "_glob1":
            return frame.f_locals["pattern"]
        frame = frame.f_back
    return ""


def _place(frame: FrameType) -> tuple[int, int]:
    """Identifies the current instruction of a frame."""
    return id(frame), frame.f_lasti


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, bytes, os.PathLike))


def _text(path: Any) -> str:
    return os.fsdecode(path)
