"""Finds the project's settings as `manage.py` would."""

from __future__ import annotations

import ast
import os
import pickle
import sys
from pathlib import Path
from typing import Any, Final

from ctest_containers.errors import ProjectError, UsageError

VARIABLE = "DJANGO_SETTINGS_MODULE"


def find_settings(folder: Path) -> None:
    """Set the settings module in the environment, unless it is set.

    The name is the default in manage.py, which is read, not run.

    Raises:
        ProjectError: Nothing says where the settings are.
    """
    if os.environ.get(VARIABLE):
        return
    manage = folder / "manage.py"
    default = _default_settings(manage) if manage.is_file() else None
    if default is None:
        where = "names no settings module" if manage.is_file() else "does not exist"
        raise ProjectError(
            f"No Django settings found: {VARIABLE} is not set and {manage} {where}.",
            "Run this command in the folder that contains manage.py, or use --settings "
            "mysite.settings.",
        )
    os.environ[VARIABLE] = default


def import_from(folder: Path) -> None:
    """Make the project's modules importable, as when manage.py runs."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


LOGGING_KEYS = ("FORMAT", "LEVEL", "FILE")
"""Keys of the setting `CONCURRENT_TEST_LOGGING`; their options begin with `LOG_`."""


def without_module() -> bytes:
    """Pickle what `settings.configure()` received; empty bytes if a settings module is used.

    Raises:
        UsageError: One cannot be pickled.
    """
    from django.conf import UserSettingsHolder, global_settings, settings

    if os.environ.get(VARIABLE) or not settings.configured:
        return b""
    holder: Any = settings._wrapped
    values: dict[str, Any] = {}
    # Overridden settings have the previous ones as their defaults.
    while isinstance(holder, UserSettingsHolder):
        values = {**_upper(vars(holder)), **values}
        holder = holder.default_settings
    if holder is not global_settings:
        values = {**_upper({name: getattr(holder, name) for name in dir(holder)}), **values}
    for name, value in values.items():
        try:
            pickle.dumps(value)
        except Exception as error:
            raise UsageError(
                f"The setting {name} cannot be pickled for a new process: {error}.",
                "Define it in a settings module (DJANGO_SETTINGS_MODULE), or use --start-method "
                "fork without pytest-xdist.",
            ) from error
    return pickle.dumps(values)


def configure(values: bytes) -> None:
    """Configure Django with the result of `without_module`, unless it is empty."""
    from django.conf import settings

    if values:
        settings.configure(**pickle.loads(values))  # noqa: S301  # From the parent of the run.


def _upper(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name.isupper()}


OWN_SETTINGS: Final = {"PROJECT": "PROJECT_NAME", "TIMINGS_FILE": "TEST_TIMINGS_FILE"}
"""Keys of `CTEST_CONTAINERS` that are settings of their own as well, with their names."""


def options() -> dict[str, Any]:
    """The toolkit's options in the settings; `CTEST_CONTAINERS` takes precedence.

    Raises:
        UsageError: One is no dictionary, or has a name that it cannot have.
    """
    log = _dictionary("CONCURRENT_TEST_LOGGING")
    if unknown := sorted(map(str, log.keys() - set(LOGGING_KEYS))):
        raise UsageError(
            f"Unknown key {unknown[0]!r} in the setting CONCURRENT_TEST_LOGGING.",
            f"Its keys are {', '.join(LOGGING_KEYS)}.",
        )
    named = {f"LOG_{key}": value for key, value in log.items()}
    if log:
        named.setdefault("LOG_FORMAT", "text")
    return {**_own_settings(), **named, **_dictionary("CTEST_CONTAINERS")}


def _own_settings() -> dict[str, Any]:
    from django.conf import settings

    own_settings = {}
    for key, name in OWN_SETTINGS.items():
        value = getattr(settings, name, None)
        # Projects may use these names for other purposes, such as lazily translated titles.
        if isinstance(value, str | os.PathLike) and (text := os.fspath(value)):
            own_settings[key] = text
    return own_settings


def _dictionary(name: str) -> dict[str, Any]:
    from django.conf import settings

    value = getattr(settings, name, {})
    if not isinstance(value, dict):
        raise UsageError(f"The setting {name} must be a dictionary, not {type(value).__name__}.")
    return value


def _default_settings(manage: Path) -> str | None:
    """The argument of `os.environ.setdefault("DJANGO_SETTINGS_MODULE", …)`."""
    try:
        tree = ast.parse(manage.read_bytes())
    except (SyntaxError, ValueError) as error:  # Python 3.10 raises ValueError for a null byte.
        raise ProjectError(f"{manage} is not valid Python: {error}.") from error
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="setdefault"),
                args=[ast.Constant(value="DJANGO_SETTINGS_MODULE"), ast.Constant(value=str(name))],
            ):
                return name
    return None
