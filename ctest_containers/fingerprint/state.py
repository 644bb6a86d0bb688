"""Describes what objects, classes and functions consist of, identically in every process."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import functools
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Final

from ctest_containers.fingerprint.values import SHOWN, describe, is_plain

MOST_OBJECTS: Final = 5_000
"""The most objects whose attributes are described; that takes about 0.1 seconds."""

CONTAINERS: Final = (dict, list, tuple, collections.deque, set, frozenset)

VALUES: Final = frozenset(
    {"argparse", "collections", "fractions", "ipaddress", "operator", "string", "types"}
)
"""Modules of Python whose objects are values: `__reduce_ex__` takes them apart."""

COUNTERS: Final = frozenset({"creation_counter", "_creation_counter", "auto_creation_counter"})
"""Attributes that count the objects made before."""

CALLED: Final = (FunctionType, BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
"""Types of named objects other than classes."""

VERSIONED: Final = frozenset({*sys.stdlib_module_names, "django", "ctest_containers"})
"""Packages whose versions are separate inputs."""


def describe_state(value: Any) -> str:
    """The text of `state_of`; the name of the class if the value cannot be described."""
    try:
        return describe(value if is_plain(value) else state_of(value))
    except Exception:  # noqa: BLE001  # The code of any object may have been called.
        return describe(type(value))


def state_of(value: Any) -> Any:
    """What `describe` says most of: containers and a project's own objects with what is in them.

    Functions come with the defaults of their arguments and what they enclose, classes with their
    attributes. What is Python's or Django's is only named.
    """
    return _State().of(value)


class _State:
    """Describes a value, each object in it once."""

    def __init__(self, seen: Mapping[int, Any] | None = None) -> None:
        # The objects themselves: a new object may get the id of one that is gone.
        self._seen: dict[int, Any] = dict(seen or {})

    def of(self, value: Any) -> Any:
        """See `state_of`."""
        kind = type(value)
        if kind in SHOWN or issubclass(kind, (PurePath, re.Pattern)):
            return value
        if id(value) in self._seen or len(self._seen) > MOST_OBJECTS:
            return _name_of(value)
        self._seen[id(value)] = value
        if issubclass(kind, enum.Enum):
            return [_name_of(kind), value.name, self.of(_members_of(kind))]
        if issubclass(kind, (type, FunctionType, MethodType, functools.partial)):
            return self._of_code(value)
        if kind in CONTAINERS:
            return self._of_items(value)
        wrapped = inspect.getattr_static(value, "__wrapped__", None)
        if isinstance(wrapped, FunctionType):
            return [self._of_code(wrapped), self.of(_attributes_of(value))]
        parts = [self.of(part) for part in _parts_of(value)]
        if _is_versioned(kind):
            return [_name_of(value), *parts] if parts else _name_of(value)
        return [self.of(kind), *parts, self.of(_attributes_of(value))]

    def _of_items(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {describe(self.of(key)): self.of(item) for key, item in value.items()}
        if isinstance(value, (set, frozenset)):
            # Neither their order nor which one is described first may count.
            return {describe(_State(self._seen).of(item)) for item in value}
        items = [self.of(item) for item in value]
        return (*items,) if isinstance(value, tuple) else items

    def _of_code(self, value: Any) -> Any:
        """A callable, with everything that its definition decided."""
        if isinstance(value, functools.partial):
            return [self.of(part) for part in (value.func, value.args, value.keywords)]
        if isinstance(value, MethodType):
            return [self.of(value.__func__), self.of(value.__self__)]
        name = _name_of(value)
        if isinstance(value, type):
            if _is_versioned(value):
                return name
            return [name, {key: self.of(attribute) for key, attribute in _class_attributes(value)}]
        # Python's decorators enclose what they decorate.
        parts = [value.__defaults__, value.__kwdefaults__, *_enclosed(value), *_own_names(value)]
        if "<" in value.__qualname__ or value.__code__.co_name != value.__name__:
            # Other functions have the same name.
            parts.append(_code_of(value))
        return [name, *map(self.of, parts)] if any(part is not None for part in parts) else name


def _members_of(kind: type[enum.Enum]) -> dict[str, Any]:
    """The attributes of the members of an enumeration, such as labels."""
    return {
        member.name: {name: item for name, item in vars(member).items() if not name.startswith("_")}
        for member in kind
    }


def _parts_of(value: Any) -> list[Any]:
    """The parts of a value whose class, or a base of it, is Python's or Django's."""
    kind = type(value)
    for base in kind.__mro__:
        if base in CONTAINERS:
            factory = [value.default_factory] if kind is collections.defaultdict else []
            return [base(value), *factory]
        if base in SHOWN:
            show: Any = base.__repr__
            return [show(value)]
    if issubclass(kind, dt.tzinfo):
        return [str(value)]
    if issubclass(kind, BaseException):
        return [value.args]
    if kind is MappingProxyType:
        return [dict(value)]
    if kind.__module__ in VALUES or kind in {range, slice, bytearray}:
        return list(value.__reduce_ex__(2)[1:3])
    if hasattr(kind, "deconstruct") and _is_versioned(kind):
        return [*value.deconstruct()[-2:]]
    return []


def _own_names(function: FunctionType) -> list[Any]:
    """The attributes that were set on a function."""
    attributes = {
        name: attribute for name, attribute in vars(function).items() if name != "__wrapped__"
    }
    return [attributes] if attributes else []


def _code_of(function: FunctionType) -> list[Any]:
    """Distinguishes a function from others of the same name, in any version of Python."""
    code = function.__code__
    return [
        code.co_names,
        [constant for constant in code.co_consts if type(constant) in {int, float, str}],
    ]


def _attributes_of(value: Any) -> dict[str, Any]:
    """The attributes of an object itself."""
    kind = type(value)
    slots = [
        name
        for base in kind.__mro__
        for name, slot in vars(base).items()
        if isinstance(slot, MemberDescriptorType) and not _is_versioned(base)
    ]
    attributes = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return attributes | {
        name: item
        for name, item in getattr(value, "__dict__", {}).items()
        # They come and go with their users.
        if name not in COUNTERS and not _is_kept_answer(inspect.getattr_static(kind, name, None))
    }


def _is_kept_answer(attribute: Any) -> bool:
    """Whether an attribute of a class stores its result in each object."""
    return hasattr(type(attribute), "__get__") and not isinstance(attribute, FunctionType)


def _class_attributes(kind: type) -> Iterator[tuple[str, Any]]:
    """The attributes of a class and its bases, without methods of their own."""
    attributes = {
        name: (base, item)
        for base in reversed(kind.__mro__)
        if not _is_versioned(base)
        for name, item in vars(base).items()
        if not name.startswith("__") and name not in COUNTERS
    }
    for name, (base, item) in attributes.items():
        is_bound = isinstance(item, (staticmethod, classmethod))
        function = item.__func__ if is_bound else item
        if isinstance(function, FunctionType):
            # The item may replace the original method.
            if function.__qualname__ != f"{base.__qualname__}.{name}":
                yield name, [_name_of(function), _code_of(function)]
            elif function.__closure__ or function.__code__.co_name != name:
                # A decorator encloses its arguments.
                yield name, function
        elif isinstance(item, type) and not item.__qualname__.startswith(f"{base.__qualname__}."):
            yield name, _name_of(item)
        elif isinstance(item, property):
            yield name, [item.fget, item.fset]
        elif not isinstance(item, MemberDescriptorType):
            yield name, item


def _enclosed(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        # A cell without a value raises ValueError.
        with suppress(ValueError):
            yield cell.cell_contents


def _name_of(value: Any) -> str:
    # An object may have any attribute, or run code when it is read.
    if isinstance(value, ModuleType):
        return value.__name__
    if not issubclass(type(value), (type, *CALLED)):
        value = type(value)
    return f"{value.__module__ or ''}.{value.__qualname__}"


def _is_versioned(value: Any) -> bool:
    return str(value.__module__).partition(".")[0] in VERSIONED
