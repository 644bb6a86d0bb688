"""Notes which files, variables, settings and modules a process asks for."""

from __future__ import annotations

import importlib
import os
import pathlib
import string
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from ctest_containers.recording.places import Places
from ctest_containers.recording.sources import Definition

ON_BEHALF: Final = (
    *("core/management/commands/loaddata.py", "core/files/", "core/serializers/"),
    *("contrib/staticfiles/", "contrib/gis/", "template/", "utils/_os.py", "utils/translation/"),
)
"""Files of Django's that read what a project names; others read what Django itself needs."""

PASSING_ON: Final = ("apps/registry.py", "utils/functional.py", "utils/module_loading.py")
"""Files of Django's that ask for what their callers ask for."""

PYTHON_S_PASSING_ON: Final = frozenset(
    {
        *("bz2", "codecs", "collections", "configparser", "contextlib", "csv", "fileinput"),
        *("fnmatch", "functools", "genericpath", "gettext", "glob", "gzip", "importlib", "io"),
        *("json", "linecache", "lzma", "os", "pathlib", "pickle", "pkgutil", "plistlib"),
        *("posixpath", "runpy", "shelve", "shutil", "sqlite3", "subprocess", "string", "tarfile"),
        *("tokenize", "tomllib", "xml", "zipfile", "zipimport"),
    }
)
"""Modules of Python's that do so; others read what they need themselves."""

MAPPINGS: Final = "collections.abc"
"""The module of what all mappings have."""

TOOLS: Final = frozenset(
    {
        *("ctest_containers", "_pytest", "pytest", "pluggy", "hypothesis", "coverage", "debugpy"),
        "pydevd",
        *("psycopg", "psycopg2", "psycopg_binary", "MySQLdb", "pymysql", "mysql"),
        *("_distutils_hack", "asgiref", "pkg_resources", "setuptools", "sqlparse"),
    }
)
"""Packages whose code and files decide nothing of their own: of what runs tests, and of drivers.

The versions of drivers are inputs by themselves.
"""

WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(slots=True)
class Accesses:
    """What a process has asked for; files and folders by their paths.

    Attributes:
        files: Those that were read.
        folders: Those that were listed.
        paths: What was looked at without being read.
        written: What was written; it is no input.
        variables: Environment variables that were read, unless the process itself had set them.
        settings: Names of settings that were read.
        definitions: What was asked for by its name: modules, and names in them.
        programs: Those that were started.
    """

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)
    definitions: set[Definition] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)


class AccessRecorder:
    """Notes what this process asks for from `start` on; it does so until the process ends."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._found = Accesses()
        self._is_on = False
        self._set_variables: set[str] = set()
        self._copying = (0, 0)
        self._answers: dict[str, bool | str | None] = {}

    def start(self) -> None:
        """Begin."""
        self._is_on = True
        sys.addaudithook(self._audit)
        self._watch_stat()
        self._watch_environment()
        self._watch_settings()
        self._watch_names()

    def stop(self) -> Accesses:
        """End; gives what was found."""
        self._is_on = False
        return self._found

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take in an event; see https://docs.python.org/3/library/audit_events.html."""
        if not self._is_on:
            return
        if event == "open":
            path, _, flags = arguments
            self._note_open(path, flags)
        elif event in {"os.listdir", "os.scandir"}:
            self._note(self._found.folders, arguments[0] or ".")
        elif event in {"os.rename", "os.remove", "os.mkdir", "os.truncate"}:
            self._found.written.update(_text(one) for one in arguments[:2] if _is_path(one))
        elif event in {"subprocess.Popen", "os.posix_spawn", "os.exec"}:
            if self._is_asked_by_project():
                self._found.programs.add(os.path.basename(_text(arguments[0])))  # noqa: PTH119
        elif event == "os.system" and self._is_asked_by_project():
            self._found.programs.add(_text(arguments[0]).split(" ")[0])

    def _note_open(self, path: Any, flags: int | None) -> None:
        if flags is not None and flags & WRITING:
            if _is_path(path):
                self._found.written.add(_text(path))
        else:
            self._note(self._found.files, path)

    def _note(self, kind: set[str], path: Any) -> None:
        """Note a file or folder that was asked for on the project's behalf."""
        if _is_path(path) and self._is_asked_by_project():
            # The current folder may be another one later.
            kind.add(os.path.abspath(_text(path)))  # noqa: PTH100

    def _watch_stat(self) -> None:
        found = self._found

        def watched(original: Callable[..., Any]) -> Callable[..., Any]:
            def look(path: Any, *arguments: Any, **options: Any) -> Any:
                if self._is_on:
                    self._note(found.paths, path)
                return original(path, *arguments, **options)

            return look

        for name in ("stat", "lstat", "access", "readlink"):
            setattr(os, name, watched(getattr(os, name)))
        # In Python 3.10, paths have their own references.
        if accessor := vars(pathlib).get("_NormalAccessor"):
            for name in ("stat", "readlink"):
                setattr(accessor, name, staticmethod(getattr(os, name)))

    def _watch_environment(self) -> None:
        recorder = self

        class Environment(type(os.environ)):  # type: ignore[misc]
            """Variables that say who reads them."""

            def __getitem__(self, key: Any) -> Any:
                recorder._note_variable(key)
                return super().__getitem__(key)

            def __setitem__(self, key: Any, value: Any) -> None:
                recorder._set_variables.add(_text(key))
                super().__setitem__(key, value)

            def keys(self) -> Any:
                # Who copies all of them asks for none.
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
                # Who goes through all of them asks for none.
                return
            caller = caller.f_back
        if caller is None or self._is_python_s_own(caller) or not self._is_asked_by_project():
            return
        if (name := _text(key)) not in self._set_variables:
            self._found.variables.add(name)

    def _is_python_s_own(self, frame: FrameType) -> bool:
        """Whether Python itself needs a variable, and does not read it for its caller."""
        file = frame.f_code.co_filename
        is_python_s = file.startswith("<frozen") or self._places.is_python_s(file)
        is_for_caller = frame.f_code.co_name == "expandvars" or file == string.__file__
        return is_python_s and not is_for_caller

    def _watch_settings(self) -> None:
        """Note settings of the project's own; what has been read once is not asked for again."""
        from django.conf import LazySettings, global_settings, settings

        django_s = frozenset(dir(global_settings))
        original = vars(LazySettings)["__getattr__"]

        def noted(lazy: Any, name: str) -> Any:
            if self._is_on and name.isupper() and name not in django_s:
                self._found.settings.add(name)
            return original(lazy, name)

        for name in vars(settings).keys() - django_s:
            if name.isupper():
                del vars(settings)[name]
        setattr(LazySettings, "__getattr__", noted)  # noqa: B010  # It is no attribute of an instance.

    def _watch_names(self) -> None:
        """Note what is asked for by a name that may be computed."""
        from django.apps import AppConfig
        from django.apps.registry import Apps
        from django.utils import module_loading

        bootstrap: Any = vars(importlib)["_bootstrap"]

        def note(call: Callable[..., Any], name: Callable[..., Definition]) -> Callable[..., Any]:
            def noted(*arguments: Any, **options: Any) -> Any:
                found = call(*arguments, **options)
                if self._is_on and self._is_asked_by_project():
                    self._found.definitions.add(name(found, arguments))
                return found

            return noted

        def of_class(found: Any, _: tuple[Any, ...]) -> Definition:
            # Those of a migration are made from its state.
            kind = found if isinstance(found, type) else type(found)
            return (kind.__module__, kind.__qualname__)

        def note_all(call: Callable[..., Any]) -> Callable[..., Any]:
            def noted(*arguments: Any, **options: Any) -> Any:
                found = [*call(*arguments, **options)]
                if self._is_on and self._is_asked_by_project():
                    self._found.definitions.update(of_class(one, ()) for one in found)
                return found

            # Django forgets what it has kept of the answers.
            vars(noted)["cache_clear"] = getattr(call, "cache_clear", None)
            return noted

        bootstrap._gcd_import = note(bootstrap._gcd_import, lambda found, _: (found.__name__, ""))
        vars(module_loading)["cached_import"] = note(
            module_loading.cached_import, lambda _, arguments: (arguments[0], arguments[1])
        )
        for name in ("get_app_config", "get_model"):
            setattr(Apps, name, note(getattr(Apps, name), of_class))
        for kind, name in (
            (Apps, "get_app_configs"),
            (Apps, "get_models"),
            (AppConfig, "get_models"),
        ):
            setattr(kind, name, note_all(getattr(kind, name)))

    def _is_asked_by_project(self) -> bool:
        """Whether the project asks, or Django on its behalf, and no tool."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if frame.f_code.co_name == "get_data" and file.startswith("<frozen importlib"):
                # Imports and `pkgutil` read files with it.
                frame = frame.f_back
                continue
            answer = self._answers.get(file, file)
            if answer == file:
                name = str(frame.f_globals.get("__name__"))
                answer = self._answers[file] = self._answer(file, name)
            if answer is not None:
                return bool(answer)
            frame = frame.f_back
        return False

    def _answer(self, file: str, module: str) -> bool | None:
        """Whether what a file's code asks for is the project's; None where its callers decide."""
        top = module.partition(".")[0]
        if module == __name__ or file == "<string>":
            return None
        if top == "django":
            inner = file.rpartition("/django/")[2]
            return None if inner.startswith(PASSING_ON) else inner.startswith(ON_BEHALF)
        if file.startswith("<frozen importlib"):
            return False
        if file.startswith("<") or self._places.is_python_s(file):
            return None if top.removesuffix("_abc").strip("_") in PYTHON_S_PASSING_ON else False
        return top not in TOOLS


def _place(frame: FrameType) -> tuple[int, int]:
    """Which instruction of which call a frame is at."""
    return id(frame), frame.f_lasti


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, bytes, os.PathLike))


def _text(path: Any) -> str:
    return os.fsdecode(path)
