"""Data classes as JSON: messages, events, requests and their fields, and back again.

Made for many small values: what a class needs is looked up once, not for each of its instances.
"""

from __future__ import annotations

import functools
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, Final, get_args, get_origin

Converter = Callable[[Any], Any]


class Vocabulary:
    """Messages of some classes as JSON: the name of the class, and its fields.

    Only these classes travel, so nothing that arrives is ever unpickled or evaluated.

    Args:
        kinds: The classes.
        ascii_only: Whether every other character is escaped, lone surrogates among them.
    """

    def __init__(self, kinds: Iterable[type[Any]], *, ascii_only: bool = True) -> None:
        self.kinds: Final = {kind.__name__: kind for kind in kinds}
        self._encode = encoder(ascii_only=ascii_only)

    def encode(self, message: Any, **envelope: Any) -> str:
        """A message as text in one line.

        Args:
            envelope: Other values that go with it, before its own.
        """
        return self._encode({**envelope, "type": type(message).__name__, **fields_of(message)})

    def decode(self, text: str | bytes) -> Any:
        """The message that a text carries.

        Raises:
            ValueError: It is not one that `encode` makes of these classes.
        """
        try:
            return self.build(json.loads(text))
        except RecursionError as error:
            raise ValueError(f"not a message of this version: {text[:200]!r}") from error

    def build(self, found: Any, *, lenient: bool = False) -> Any:
        """The message that a JSON object carries, which is taken apart.

        Args:
            lenient: See the function `build`.

        Raises:
            ValueError: As `decode`.
        """
        try:
            return build(self.kinds[found.pop("type")], found, lenient=lenient)
        except KeyError as error:
            # What is missing: the type, or a class of this name.
            raise ValueError(f"not a message of this version: {error!s:.200}") from error
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a message of this version: {error}") from error


def encoder(*, ascii_only: bool) -> Callable[[Any], str]:
    """What turns the fields of a data class into one line of JSON.

    Args:
        ascii_only: Whether every other character is escaped, lone surrogates among them.
    """
    return json.JSONEncoder(
        ensure_ascii=ascii_only, check_circular=False, separators=(",", ":"), default=fields_of
    ).encode


def fields_of(instance: Any) -> dict[str, Any]:
    """The fields of an instance by their names; data classes in them stay what they are.

    Raises:
        TypeError: It is no data class.
    """
    kind: Any = type(instance)
    names, values = _reader(kind)
    return dict(zip(names, values(instance), strict=True))


def build(kind: Any, found: dict[str, Any], *, lenient: bool = False) -> Any:
    """An instance of a class from the fields that JSON has carried.

    Args:
        lenient: Whether fields that the class does not have are left out.

    Raises:
        TypeError, KeyError, ValueError: They are not those of the class.
    """
    if lenient:
        known = _reader(kind)[0]
        found = {name: found[name] for name in known if name in found}
    for name, convert in _converters(kind).items():
        if name in found:
            found[name] = convert(found[name])
    return kind(**found)


@functools.cache
def _reader(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is not a data class")
    names = tuple(field.name for field in fields(kind))
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda instance: tuple(getattr(instance, name) for name in names)


@functools.cache
def _converters(kind: type[Any]) -> Mapping[str, Converter]:
    """What has to be done with the fields that JSON does not carry as they are."""
    hints = typing.get_type_hints(kind)
    found = {field.name: converter(hints[field.name]) for field in fields(kind)}
    return {name: convert for name, convert in found.items() if convert is not None}


def converter(hint: Any) -> Converter | None:
    """What makes a value of this type from JSON's; None where JSON's is one already."""
    arguments = get_args(hint)
    if get_origin(hint) in UNIONS:
        (rest, *more) = [one for one in arguments if one is not type(None)]
        inner = None if more else converter(rest)
        return None if inner is None else lambda value: None if value is None else inner(value)
    if get_origin(hint) is tuple:
        return _tuple_converter(arguments)
    if is_dataclass(hint) and isinstance(hint, type):
        return lambda value: build(hint, dict(value))
    if isinstance(hint, type) and issubclass(hint, (Enum, str)) and hint is not str:
        return hint
    return None


def _tuple_converter(arguments: tuple[Any, ...]) -> Converter:
    if arguments[1:] == (Ellipsis,):
        each = converter(arguments[0])
        return tuple if each is None else lambda value: tuple(map(each, value))
    inner = [converter(one) or _as_it_is for one in arguments]
    return lambda value: tuple(convert(one) for convert, one in zip(inner, value, strict=True))


def _as_it_is(value: Any) -> Any:
    return value


UNIONS: Final = (typing.Union, types.UnionType)
