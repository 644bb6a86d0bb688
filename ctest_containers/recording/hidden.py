"""Finds values with hidden state, such as iterators, which a description cannot show."""

from __future__ import annotations

import functools
import random
import sys
import threading
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, Final

from ctest_containers.recording.sources import Definition

MOST_VALUES: Final = 2_000
"""Larger values are not searched."""

CACHED: Final = type(functools.cache(id))


def hidden_states(definitions: Iterable[Definition]) -> Iterator[str]:
    """The names of values of loaded modules that have hidden state."""
    for module, part in definitions:
        value: Any = sys.modules.get(module)
        for name in part.split(".") if part else ():
            value = getattr(value, "__dict__", {}).get(name)
        if part and value is not None and any(map(_is_hidden, _parts(value))):
            yield f"{module}.{part}"


def _parts(value: Any) -> Iterator[Any]:
    """A value and everything that it consists of."""
    waiting, seen = [value], set[int]()
    while waiting and len(seen) < MOST_VALUES:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, (str, bytes, int, float, ModuleType)):
            continue
        seen.add(id(part))
        yield part
        if type(part) is dict:
            waiting += part.values()
        elif type(part) in {list, tuple, set, frozenset}:
            waiting += part
        elif isinstance(part, FunctionType):
            waiting += [*(part.__defaults__ or ()), *vars(part).values()]
        elif not isinstance(part, type):
            waiting += _attributes(part).values()


def _attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object whose class is the project's or an installed package's."""
    top = type(value).__module__.partition(".")[0]
    return {} if top in {"django", *sys.stdlib_module_names} else _dict_of(value)


def _dict_of(value: Any) -> dict[str, Any]:
    # Reading an attribute of an object may run code.
    try:
        attributes: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return attributes


def _is_hidden(value: Any) -> bool:
    kind = type(value)
    if isinstance(value, type):
        return False
    if kind is CACHED:
        return bool(value.cache_info().currsize)
    if issubclass(kind, (random.Random, threading.local)) or hasattr(kind, "__next__"):
        return True
    if "_wrapped" in _dict_of(value) and kind.__module__ == "django.utils.functional":
        return True
    properties = (getattr(kind, name, None) for name in _attributes(value))
    return any(type(attribute).__name__ == "cached_property" for attribute in properties)
