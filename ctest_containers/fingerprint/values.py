"""Texts that are the same wherever the same code defines a value."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import functools
import re
import sys
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

PLAIN: Final = (
    *(type(None), bool, int, float, complex, str, bytes, decimal.Decimal, uuid.UUID, PurePath),
    *(dt.date, dt.time, dt.timedelta, dt.tzinfo),
)

MOST_VALUES: Final = 10_000
"""What has more values in it is not looked through."""


def describe(value: Any) -> str:
    """A text that is the same wherever the same code defines the value."""
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

    Functions and classes are named; objects of Python's and Django's stand for their classes.
    """
    return _State().of(value)


class _State:
    """Looks through a value, each object in it once."""

    def __init__(self) -> None:
        # The objects themselves, for another one may get the place of one that is gone.
        self._seen: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        if isinstance(value, (*PLAIN, enum.Enum)) or isinstance(
            getattr(value, "__qualname__", None), str
        ):
            return value
        if id(value) in self._seen or len(self._seen) > MOST_VALUES:
            return describe(type(value))
        self._seen[id(value)] = value
        if isinstance(value, Mapping):
            return {describe(self.of(key)): self.of(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, collections.deque)):
            return [self.of(item) for item in value]
        if isinstance(value, (set, frozenset)):
            return {describe(self.of(item)) for item in value}
        if isinstance(value, functools.partial):
            return self.of([value.func, value.args, value.keywords])
        kind = type(value)
        top = kind.__module__.partition(".")[0]
        if top in sys.stdlib_module_names or top in {"django", "ctest_containers"}:
            return describe(kind)
        kept = {
            name: item
            for name, item in getattr(value, "__dict__", {}).items()
            # They come and go with who asks.
            if not hasattr(getattr(kind, name, None), "__get__")
        }
        return [describe(kind), self.of(kept)]
