"""Texts that are the same wherever the same code defines a value."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import functools
import inspect
import re
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePath
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, Final

SHOWN: Final = (
    *(type(None), bool, int, float, complex, str, bytes, decimal.Decimal, uuid.UUID),
    *(dt.date, dt.datetime, dt.time, dt.timedelta),
)
"""Types of which `repr` says everything."""

PLAIN: Final = (*SHOWN, PurePath, dt.tzinfo, re.Pattern)

MOST_VALUES: Final = 1_000_000
"""What has more values in it is not looked through; so many take about two seconds."""

FIRST_YEAR: Final = 2000
FIRST_MOMENT: Final = 1_000_000_000
"""What is earlier is no time of this process; in seconds since the epoch."""

INEXACT_SECONDS: Final = 2.0
"""So much earlier may a process have begun than the system tells."""

VERSIONED: Final = frozenset({*sys.stdlib_module_names, "django", "ctest_containers"})
"""Packages whose versions are inputs by themselves."""


def describe(value: Any) -> str:
    """A text that is the same wherever the same code defines the value."""
    if type(value) in SHOWN:
        return "a moment of this process" if _is_of_this_process(value) else repr(value)
    if isinstance(value, PurePath):
        return repr(str(value))
    if isinstance(value, re.Pattern):
        # Its own text is cut off.
        return f"{value.pattern!r} with flags {value.flags}"
    if isinstance(value, enum.Enum):
        return f"{describe(type(value))}.{value.name} = {describe(value.value)}"
    # An object may answer to any name.
    if hasattr(type(value), "deconstruct") and not isinstance(value, type):
        try:
            return describe(list(value.deconstruct())[-3:])
        except ValueError:
            # Django cannot name a local class in a migration, but makes its table all the same.
            return describe(type(value))
    if isinstance(value, Mapping):
        # Rows may come in its order.
        items = (f"{describe(key)}: {describe(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(describe(item) for item in value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    qualified = getattr(value, "__qualname__", None)
    if isinstance(qualified, str):
        return f"{getattr(value, '__module__', '')}.{qualified}"
    shown = repr(value)
    # What shows its address, or its members in the order of their hashes, is named by its class.
    plain = isinstance(value, (str, bytes)) or re.fullmatch(r"[^<{]*", shown) is not None
    return shown if plain else describe(type(value))


def is_plain(value: Any) -> bool:
    """Whether `describe` says all of a value: it consists of numbers, texts and the like."""
    waiting, count = [value], 0
    while waiting:
        one = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            return False
        if type(one) is dict:
            waiting += [*one.keys(), *one.values()]
        elif type(one) in {list, tuple, set, frozenset}:
            waiting += one
        elif not isinstance(one, PLAIN):
            return False
    return True


def state_of(value: Any) -> Any:
    """What `describe` says most of: containers and a project's own objects with what is in them.

    Functions come with the defaults of their arguments and what they enclose, classes with their
    attributes. What is Python's or Django's is only named.
    """
    return _State().of(value)


class _State:
    """Looks through a value, each object in it once."""

    def __init__(self) -> None:
        # The objects themselves, for another one may get the place of one that is gone.
        self._seen: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """See `state_of`."""
        if isinstance(value, (*PLAIN, enum.Enum)):
            return value
        if id(value) in self._seen or len(self._seen) > MOST_VALUES:
            return _name_of(value)
        self._seen[id(value)] = value
        if isinstance(value, Mapping):
            return {describe(self.of(key)): self.of(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, collections.deque)):
            return [self.of(item) for item in value]
        if isinstance(value, (set, frozenset)):
            # What is looked through first must not depend on hashes.
            return {describe(self.of(item)) for item in sorted(value, key=describe)}
        if isinstance(value, (type, FunctionType, MethodType, functools.partial)):
            return self._of_code(value)
        kind = type(value)
        wrapped = inspect.getattr_static(value, "__wrapped__", None)
        if isinstance(wrapped, FunctionType):
            return self._of_code(wrapped)
        if _is_versioned(kind) or isinstance(getattr(value, "__qualname__", None), str):
            return _name_of(value)
        return [self.of(kind), self.of(_attributes_of(value))]

    def _of_code(self, value: Any) -> Any:
        """What is called, with all that is decided when it is defined."""
        if isinstance(value, functools.partial):
            return self.of([value.func, value.args, value.keywords])
        if isinstance(value, MethodType):
            return self.of([value.__func__, value.__self__])
        name = _name_of(value)
        if _is_versioned(value):
            return name
        if isinstance(value, type):
            return [name, {key: self.of(one) for key, one in _class_attributes(value)}]
        kept = [value.__defaults__, value.__kwdefaults__, *_enclosed(value)]
        return [name, *map(self.of, kept)] if any(one is not None for one in kept) else name


def _is_of_this_process(value: Any) -> bool:
    """Whether a value is a time since this process began: it is another one in the next process."""
    if isinstance(value, dt.datetime) and value.year > FIRST_YEAR:
        # One without a time zone may be local time or UTC.
        in_utc = value.replace(tzinfo=value.tzinfo or dt.timezone.utc)
        moments = [value.timestamp(), in_utc.timestamp()]
    elif isinstance(value, (int, float)) and value > FIRST_MOMENT:
        moments = [value]
    else:
        return False
    return any(_began() <= moment <= time.time() for moment in moments)


@functools.cache
def _began() -> float:
    """When this process began, in seconds since the epoch, and a little earlier."""
    # Few values need it, and a worker does not load it otherwise.
    import psutil

    return float(psutil.Process().create_time()) - INEXACT_SECONDS


def _attributes_of(value: Any) -> dict[str, Any]:
    """What an object has of its own."""
    kind = type(value)
    slots = [
        name
        for base in kind.__mro__
        for name, slot in vars(base).items()
        if isinstance(slot, MemberDescriptorType) and not _is_versioned(base)
    ]
    kept = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return kept | {
        name: item
        for name, item in getattr(value, "__dict__", {}).items()
        # They come and go with who asks.
        if not hasattr(getattr(kind, name, None), "__get__")
    }


def _class_attributes(kind: type) -> Iterator[tuple[str, Any]]:
    """The attributes of a class and its bases, without methods of their own."""
    attributes = {
        name: (base, item)
        for base in reversed(kind.__mro__)
        if not _is_versioned(base)
        for name, item in vars(base).items()
        if not name.startswith("__")
    }
    for name, (base, item) in attributes.items():
        is_bound = isinstance(item, (staticmethod, classmethod))
        function = item.__func__ if is_bound else item
        if isinstance(function, FunctionType):
            # Somebody may have put it in the place of another one.
            if function.__qualname__ != f"{base.__qualname__}.{name}":
                yield name, _name_of(function)
        elif isinstance(item, type):
            yield name, _name_of(item)
        elif not isinstance(item, (MemberDescriptorType, property)):
            yield name, item


def _enclosed(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        # One that has no value yet raises ValueError.
        with suppress(ValueError):
            yield cell.cell_contents


def _name_of(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    named = isinstance(getattr(value, "__qualname__", None), str)
    return describe(value if named else type(value))


def _is_versioned(value: Any) -> bool:
    return str(getattr(value, "__module__", None)).partition(".")[0] in VERSIONED
