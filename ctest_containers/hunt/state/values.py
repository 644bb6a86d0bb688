"""Compares and shows values of a project without running its code."""

from __future__ import annotations

import datetime as dt
import functools
import re
import types
import uuid
from collections import OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PosixPath, PurePosixPath
from typing import Any, Final

from ctest_containers.project.source_location import NOT_THE_PROJECT, relative
from ctest_containers.text import shortened

SCALARS: Final = (type(None), bool, int, float, complex, str, bytes)
IMMUTABLE: Final = (
    *(dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone, Decimal, Fraction, uuid.UUID),
    *(PosixPath, PurePosixPath, range),
)
SEQUENCES: Final = (list, tuple, deque)
BRACKETS: Final[dict[type, tuple[str, str]]] = {list: ("[", "]"), tuple: ("(", ")")}
SETS: Final = (set, frozenset)
MAPPINGS: Final = (dict, OrderedDict, defaultdict, types.MappingProxyType)
FUNCTIONS: Final = (
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(staticmethod, classmethod, property),
)

CACHED: Final = type(functools.lru_cache(lambda: None))

DEPTH: Final = 6
"""How deep values are compared."""

MOST_ITEMS: Final = 10_000
"""Of a larger container, only the length is compared."""

SHOWN_CHARACTERS: Final = 80
SHOWN_ITEMS: Final = 5

PACKAGES: Final = frozenset({"site-packages", "dist-packages"})
"""Folders of installed packages, wherever they are."""

SECRET: Final = re.compile("API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|CREDENTIAL", re.IGNORECASE)
"""Matches the names of settings and variables whose values are not shown."""


def is_a(value: Any, *kinds: type) -> bool:
    """Do the same as `isinstance`, but without asking the value, which may be a lazy object."""
    return issubclass(type(value), kinds)


class Identity:
    """A value that is only compared by its identity; it is referenced, so that this stays unique.

    Attributes:
        value: The value.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Identity and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def token(value: Any, *, into: tuple[str, ...] = (), depth: int = DEPTH) -> Any:
    """Return what is equal for another value, or for the same one later, if it has not changed.

    Args:
        into: The packages of the project; the attributes of their objects are compared, too.
    """
    kind = type(value)
    if kind in SCALARS or kind in IMMUTABLE:
        return kind, value
    if depth == 0:
        return Identity(value)
    if kind in (*SEQUENCES, *SETS, *MAPPINGS) and len(value) > MOST_ITEMS:
        return kind, len(value)
    inner = depth - 1
    if kind in SEQUENCES:
        return kind, tuple(token(item, into=into, depth=inner) for item in tuple(value))
    if kind in SETS:
        return kind, frozenset(token(item, into=into, depth=inner) for item in tuple(value))
    if kind in MAPPINGS:
        return kind, tuple(
            (token(key, into=into, depth=inner), token(item, into=into, depth=inner))
            for key, item in tuple(value.items())
        )
    if kind.__module__.partition(".")[0] in into:
        attributes = variables(value)
        if attributes:
            return Identity(value), token(attributes, into=into, depth=min(inner, 2))
    return Identity(value)


def shown(value: Any, depth: int = 2) -> str:
    """Return a value as people read it, in a limited number of characters."""
    return shortened(_shown(value, depth), SHOWN_CHARACTERS)


def shown_as(name: str, value: Any) -> str:
    """Return a value as people read it, or asterisks if its name says that it is a secret."""
    return "***" if SECRET.search(name) and value else shown(value)


def place_of(value: Any, folder: Path) -> str:
    """Return where a function or a class of the project is defined; empty if unknown."""
    function = value
    if is_a(value, staticmethod, classmethod, types.MethodType):
        function = value.__func__
    elif is_a(value, property):
        function = value.fget
    elif is_a(value, CACHED):
        function = value.__wrapped__
    if type(function) is not types.FunctionType:
        return ""
    code = function.__code__
    return f"{relative(code.co_filename, folder)}:{code.co_firstlineno}"


def is_installed(file: str) -> bool:
    """Return whether a file belongs to Python or to an installed package, not to the project."""
    folders = Path(file).parts
    return file.startswith((*NOT_THE_PROJECT, "<")) or not PACKAGES.isdisjoint(folders)


def name_of(value: Any) -> str:
    """Return the dotted name of a function or class, or the type of another object."""
    owner = value if _is_plain(value) or is_a(value, type) else type(value)
    return f"{owner.__module__}.{owner.__qualname__}".removeprefix("builtins.")


def variables(value: Any) -> dict[str, Any]:
    """Return the variables of a module or another object; none if it has no dictionary."""
    try:
        return dict(object.__getattribute__(value, "__dict__"))
    except (AttributeError, TypeError):
        return {}


def _is_plain(value: Any) -> bool:
    return type(value) in (types.FunctionType, types.MethodType)


def _shown(value: Any, depth: int) -> str:
    kind = type(value)
    if kind in SCALARS:
        return repr(value)
    if kind in IMMUTABLE:
        return str(value)
    if kind in (*SEQUENCES, *SETS):
        items = [_shown(item, depth - 1) for item in tuple(value)[:SHOWN_ITEMS]] if depth else ["…"]
        items += ["…"] if depth and len(value) > SHOWN_ITEMS else []
        opening, closing = BRACKETS.get(kind, ("{", "}"))
        return f"{opening}{', '.join(items)}{closing}"
    if kind in MAPPINGS:
        pairs = tuple(value.items())[:SHOWN_ITEMS] if depth else ()
        items = [f"{_shown(key, 0)}: {_hidden(key, item, depth - 1)}" for key, item in pairs]
        items += ["…"] if len(value) > len(pairs) else []
        return f"{{{', '.join(items)}}}"
    if _is_plain(value) or is_a(value, type):
        return name_of(value)
    return f"<{kind.__qualname__} object>"


def _hidden(key: Any, value: Any, depth: int) -> str:
    is_secret = isinstance(key, str) and SECRET.search(key) and value
    return "***" if is_secret else _shown(value, depth)
