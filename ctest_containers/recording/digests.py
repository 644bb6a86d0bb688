"""Computes today's digests of files, variables, settings and the contents of modules."""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import inspect
import os
import re
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

from ctest_containers.fingerprint.state import describe_state
from ctest_containers.fingerprint.values import describe, is_plain
from ctest_containers.recording.module import Module
from ctest_containers.recording.portable_paths import PortablePaths

DIGEST_LENGTH: Final = 16
"""How many hexadecimal digits of a digest are kept."""

MISSING: Final = "missing"
"""The digest of something that does not exist."""

CHANGED: Final = "changed "
"""The beginning of the digest of a file that changed while the template was built.

It is unknown which contents the build has read, so this digest equals no other.
"""

UNKNOWN: Final = ""
"""The digest of something that cannot be compared, such as a name in a module not loaded yet."""

ABSENT: Final = object()
"""Stands for a value that does not exist."""

TEXT: Final = "text"
"""The digest of a value that its source determines completely."""

STATE: Final = "state "
"""The beginning of an incomplete digest of a value, whose source counts as well."""

OVERRIDDEN: Final[dict[str, Any]] = {}
"""The project's values of settings that the toolkit has changed in this process, by name."""

SECRET: Final = re.compile(r"CREDENTIAL|DSN|PASS|PRIVATE|SECRET|SIGNATURE|TOKEN|(KEY|URL)$")
"""Parts of the names of secrets; compare Django's SafeExceptionReporterFilter."""

ROUNDS: Final = 20_000
"""Iterations of the digest of a secret, which take about 10 milliseconds."""

LITTER: Final = ("~", ".pyc", ".pyo", ".orig", ".rej", ".swp", "__pycache__", ".DS_Store")
"""Suffixes of files that editors and tools leave in folders."""


class Today:
    """Computes the digests of today.

    Args:
        since: When the build began, in seconds since the epoch; files changed later get CHANGED.
            None outside of a build.
    """

    def __init__(self, paths: PortablePaths, since: float | None) -> None:
        self._paths = paths
        self._since = since

    def kinds(self) -> dict[str, Callable[[str], str]]:
        """The functions that compute the digest of a name, by kind."""
        return {
            "names": self._bound,
            "families": self._family,
            "files": self._file,
            "folders": self._folder,
            "matches": self._matches,
            "paths": self._path,
            "variables": self._variable,
            "settings": self._setting,
            "programs": lambda _: UNKNOWN,
            "clocks": lambda _: UNKNOWN if self._since is None else f"{int(self._since)}",
            "trees": self._tree,
        }

    def _existing(self, name: str) -> Path | None:
        paths = map(Path, self._paths.paths_of(name))
        return next((path for path in paths if path.exists()), None)

    def _file(self, name: str) -> str:
        file = self._existing(name)
        with suppress(OSError):
            if file is not None:
                if self._since is not None and is_newer(file, self._since):
                    return unlike_any()
                return digest_of(file.read_bytes())
        return MISSING

    def _folder(self, name: str) -> str:
        return self._matches(f"{name}/*")

    def _matches(self, name: str) -> str:
        start, _, pattern = name.rpartition("/")
        folder = self._existing(start or "/")
        with suppress(OSError):
            if folder is not None:
                names = fnmatch.filter([file.name for file in folder.iterdir()], pattern)
                names = [name for name in sorted(names) if not name.endswith(LITTER)]
                return digest_of("\0".join(names))
        return MISSING

    def _tree(self, name: str) -> str:
        folder = self._existing(name)
        with suppress(OSError):
            if folder is not None:
                files = sorted(file for file in folder.iterdir() if file.is_file())
                counted = [file for file in files if not file.name.endswith(LITTER)]
                if self._since is not None and any(is_newer(file, self._since) for file in counted):
                    return unlike_any()
                return digest_of(
                    "".join(f"{file.name} {digest_of(file.read_bytes())}\n" for file in counted)
                )
        return MISSING

    def _path(self, name: str) -> str:
        path = self._existing(name)
        return MISSING if path is None else "folder" if path.is_dir() else "file"

    @staticmethod
    def _bound(name: str) -> str:
        """The function, class or module that a name of another module stands for."""
        value = _loaded(name)
        if type(value) is ModuleType:
            return digest_of(value.__name__)
        wrapped = inspect.getattr_static(value, "__wrapped__", None)
        function = wrapped if type(wrapped) is FunctionType else value
        named = issubclass(type(function), (type, FunctionType, BuiltinFunctionType))
        return digest_of(describe(function)) if named else UNKNOWN

    def _family(self, name: str) -> str:
        """The subclasses of a class."""
        family, waiting = set[type](), [_loaded(name)]
        while waiting:
            kind = waiting.pop()
            if isinstance(kind, type) and kind not in family:
                family.add(kind)
                waiting += type.__subclasses__(kind)
        # Classes of `__fake__` are made from the state of a migration.
        real = {kind for kind in family if kind.__module__ != "__fake__"}
        return digest_of(self._paths.portable(describe_state(real))) if real else UNKNOWN

    @staticmethod
    def _variable(name: str) -> str:
        value = os.environ.get(name)
        return MISSING if value is None else guarded(name, f"{name}={value}")

    def _setting(self, name: str) -> str:
        from django.conf import global_settings, settings

        try:
            # Django 6.1 warns about reading some settings, and others would count as used.
            source = settings._wrapped if settings.configured else settings
            value = OVERRIDDEN[name] if name in OVERRIDDEN else getattr(source, name)
            # Django's own value is no secret.
            is_known = bool(value == getattr(global_settings, name, UNKNOWN))
        except Exception:  # noqa: BLE001  # The settings module may run any code here.
            return MISSING
        text = self._paths.portable(describe_state(value))
        return digest_of(text) if is_known else guarded(name, text)


@functools.cache
def guarded(name: str, text: str) -> str:
    """The digest of a value that may be a secret, slow to compute so that guessing takes long."""
    if SECRET.search(name.upper()) is None:
        return digest_of(text)
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.pbkdf2_hmac("sha256", data, name.encode(), ROUNDS).hex()[:DIGEST_LENGTH]


def text_digest(module: Module | None, part: str) -> str:
    """The digest of the source of a definition."""
    text = None if module is None else module.text_of(part)
    return MISSING if text is None else digest_of(text)


def value_digest(module: str, name: str, paths: PortablePaths) -> str | None:
    """The digest of a value; None if its module is not loaded.

    Returns:
        TEXT for a function or a class that has nothing beyond its text.
    """
    whole = f"{module}.{name}"
    value = _loaded(whole)
    if value is ABSENT:
        return None
    text = value.__name__ if type(value) is ModuleType else describe_state(value)
    if text in {whole, f"'{whole}'", f"['{whole}', {{}}]"}:
        return TEXT
    digest = digest_of(paths.portable(text))
    return digest if is_plain(value) else STATE + digest


def _loaded(whole: str) -> Any:
    """The object with this dotted name in a loaded module; ABSENT if there is none."""
    parts = whole.split(".")
    for count in range(len(parts) - 1, 0, -1):
        value: Any = sys.modules.get(".".join(parts[:count]))
        if value is None:
            continue
        for part in parts[count:]:
            value = getattr(value, "__dict__", {}).get(part, ABSENT)
        return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    return ABSENT


def unlike_any() -> str:
    """The digest of a file that changed during a build."""
    return f"{CHANGED}{secrets.token_hex(4)}"


def is_newer(file: Path, since: float) -> bool:
    """Whether a file has changed since this time, in seconds since the epoch."""
    with suppress(OSError):
        return file.stat().st_mtime >= since
    return False


def digest_of(content: bytes | str) -> str:
    """The digest of a text, regardless of its line endings."""
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:DIGEST_LENGTH]
