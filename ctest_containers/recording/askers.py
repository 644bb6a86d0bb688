"""Decides whether the project or one of its tools has caused an access."""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Final

from ctest_containers.backends import VENDORS
from ctest_containers.recording.portable_paths import PortablePaths

ON_BEHALF: Final = (
    *("core/management/commands/loaddata.py", "core/files/", "core/serializers/"),
    *("contrib/staticfiles/", "contrib/gis/", "template/", "utils/_os.py", "utils/translation/"),
)
"""Files of Django that read on behalf of the project; others read for Django itself."""

PASSING_ON: Final = ("apps/registry.py", "utils/functional.py", "utils/module_loading.py")
"""Files of Django that act on behalf of their callers."""

PYTHON_S_PASSING_ON: Final = frozenset(
    {
        *("asyncio", "bz2", "codecs", "collections", "concurrent", "configparser", "contextlib"),
        *("csv", "fileinput", "fnmatch", "functools", "genericpath", "gettext", "glob", "gzip"),
        *("importlib", "io", "json", "linecache", "lzma", "multiprocessing", "os", "pathlib"),
        *("pickle", "pkgutil", "plistlib", "posixpath", "runpy", "shelve", "shutil", "sqlite3"),
        *("string", "subprocess", "tarfile", "threading", "tokenize", "tomllib", "xml"),
        *("zipfile", "zipimport"),
    }
)
"""Modules of Python that act on behalf of their callers; others read for themselves."""

DRIVERS: Final = frozenset(
    module.partition(".")[0] for vendor in VENDORS.values() for module in vendor.drivers
)

TOOLS: Final = frozenset(
    {
        *("ctest_containers", "_pytest", "pytest", "pluggy", "hypothesis", "coverage", "debugpy"),
        "pydevd",
        *(f"{driver}{end}" for driver in DRIVERS for end in ("", "_binary")),
        *("_distutils_hack", "asgiref", "pkg_resources", "setuptools", "sqlparse"),
    }
)
"""Packages that are not inputs: tools that run tests, and drivers.

The versions of drivers are separate inputs.
"""

OWN: Final = frozenset(
    {f"ctest_containers.recording.{name}" for name in ("accesses", "askers", "lookups", "registry")}
)
"""The modules that intercept calls; their callers decide."""


NAMES_OF_MANY: Final = frozenset({"__main__", "builtins", "conftest"})
"""Names that modules in several files may have."""

UNKNOWN: Final = object()

FROZEN: Final = "<frozen "
IMPORTING: Final = f"{FROZEN}importlib"
"""The beginnings of the files of modules that are parts of Python's program."""


class Askers:
    """Examines callers; the answer for a module holds for all of its functions.

    Args:
        on_behalf: Files and folders of Django that read on behalf of the project.
    """

    def __init__(self, paths: PortablePaths, on_behalf: tuple[str, ...] = ON_BEHALF) -> None:
        self._paths = paths
        self._on_behalf = on_behalf
        self._answers: dict[object, bool | object | None] = {}

    def is_project(self, frame: FrameType | None = None) -> bool:
        """Whether the project, or Django on its behalf, calls; not a tool.

        Args:
            frame: The innermost caller that may decide; None for the caller of this method.
        """
        if frame is None:
            frame = sys._getframe(1)
        answers = self._answers
        while frame is not None:
            # Reading a frame's code raises an audit event, which takes longer than all the rest.
            name = frame.f_globals.get("__name__")
            answer = answers.get(name, UNKNOWN)
            if answer is UNKNOWN:
                answer = self._answer_of(frame, name)
            if answer is not None:
                return bool(answer)
            frame = frame.f_back
        # A building process has no threads other than those that the project starts.
        return threading.get_ident() != threading.main_thread().ident

    def is_python_s(self, frame: FrameType) -> bool:
        """Whether a function of Python itself calls."""
        file = frame.f_code.co_filename
        return file.startswith("<frozen") or self._paths.is_python_s(file)

    def _answer_of(self, frame: FrameType, name: object) -> bool | None:
        """Whether the function of a frame acts for the project; None if its callers decide."""
        file = frame.f_code.co_filename
        if file.startswith(IMPORTING):
            # Imports and `pkgutil` read files through `get_data`.
            return None if frame.f_code.co_name == "get_data" else False
        answer = self._answer(file, str(name))
        # Programs have the same name, whatever their files; so may code in no file.
        has_file = not file.startswith("<") or file.startswith(FROZEN)
        if has_file and isinstance(name, str) and name not in NAMES_OF_MANY:
            self._answers[name] = answer
        return answer

    def _answer(self, file: str, module: str) -> bool | None:
        """Whether the code of a file acts for the project; None if its callers decide."""
        top = module.partition(".")[0]
        if module in OWN or file == "<string>":
            return None
        if top == "django":
            inner = file.rpartition("/django/")[2]
            return None if inner.startswith(PASSING_ON) else inner.startswith(self._on_behalf)
        if file.startswith("<") or self._paths.is_python_s(file):
            return None if top.removesuffix("_abc").strip("_") in PYTHON_S_PASSING_ON else False
        return top not in TOOLS
