"""Describes values with texts that are identical wherever the same code defines them."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import re
import time
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

SHOWN: Final = (
    *(type(None), bool, int, float, complex, str, bytes, decimal.Decimal, uuid.UUID),
    *(dt.date, dt.datetime, dt.time, dt.timedelta),
)
"""Types that `repr` describes completely."""

MOST_VALUES: Final = 1_000_000
"""Values with more numbers and strings are not described; so many take about two seconds."""

FIRST_YEAR: Final = 2000
FIRST_MOMENT: Final = 1_000_000_000
"""A time before this cannot come from this process; in seconds since the epoch."""

INEXACT_SECONDS: Final = 2.0
"""The error of the system's start time of a process, in seconds."""


def describe(value: Any) -> str:
    """Describe a value with a text that is identical wherever the same code defines it."""
    if type(value) in SHOWN:
        return "a moment of this process" if _is_of_this_process(value) else repr(value)
    if isinstance(value, PurePath):
        return repr(str(value))
    if isinstance(value, re.Pattern):
        # Its `repr` is cut off.
        return f"{value.pattern!r} with flags {value.flags}"
    if isinstance(value, enum.Enum):
        return f"{describe(type(value))}.{value.name} = {describe(value.value)}"
    # An object may have any attribute.
    if hasattr(type(value), "deconstruct") and not isinstance(value, type):
        try:
            return describe(list(value.deconstruct())[-3:])
        except ValueError:
            # Django cannot name a local class in a migration, but still creates its table.
            return describe(type(value))
    if isinstance(value, Mapping):
        # Rows may be created in its order.
        items = (f"{describe(key)}: {describe(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(describe(item) for item in value)) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(describe(item) for item in value) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    qualified = getattr(value, "__qualname__", None)
    if isinstance(qualified, str):
        return f"{getattr(value, '__module__', '')}.{qualified}"
    shown = repr(value)
    # A value that shows its address, or members in the order of hashes, is named by its class.
    plain = isinstance(value, (str, bytes)) or re.fullmatch(r"[^<{]*", shown) is not None
    return shown if plain else describe(type(value))


def is_plain(value: Any) -> bool:
    """Whether `describe` is complete: the value consists of numbers, strings and the like."""
    waiting, count = [value], 0
    while waiting:
        item = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            return False
        if type(item) is dict:
            waiting += [*item.keys(), *item.values()]
        elif type(item) in {list, tuple, set, frozenset}:
            waiting += item
        elif type(item) not in SHOWN and not issubclass(type(item), (PurePath, re.Pattern)):
            return False
    return True


def _is_of_this_process(value: Any) -> bool:
    """Whether a value is a time since this process began, so that it differs in the next one."""
    if isinstance(value, dt.datetime) and value.year > FIRST_YEAR:
        # A time without a zone may be local time or UTC.
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
    # Few values need psutil, which a worker does not load otherwise.
    import psutil

    return float(psutil.Process().create_time()) - INEXACT_SECONDS
