"""Converts data classes to JSON and back: messages, events, requests and their fields.

It is made for many small values: each class is inspected once, not for each of its instances.
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
    """Encodes messages of some classes as JSON: the name of the class, and its fields.

    Only these classes are decoded, and nothing that arrives is ever unpickled or evaluated.

    Args:
        kinds: The classes.
        ascii_only: Whether to escape all other characters, including lone surrogates.
    """

    def __init__(self, kinds: Iterable[type[Any]], *, ascii_only: bool = True) -> None:
        self.kinds: Final = {kind.__name__: kind for kind in kinds}
        self._encode = encoder(ascii_only=ascii_only)

    def encode(self, message: Any, **envelope: Any) -> str:
        """Return a message as one line of text.

        Args:
            envelope: Other values to add before its fields.
        """
        return self._encode({**envelope, "type": type(message).__name__, **fields_of(message)})

    def decode(self, text: str | bytes) -> Any:
        """Return the message that a text encodes.

        Raises:
            ValueError: The text is not a message of these classes.
        """
        try:
            return self.build(json.loads(text))
        except RecursionError as error:
            raise ValueError(f"not a message of this version: {text[:200]!r}") from error

    def build(self, data: Any, *, lenient: bool = False) -> Any:
        """Return the message that a JSON object encodes; the object is changed.

        Args:
            lenient: See the function `build`.

        Raises:
            ValueError: The object is not a message of these classes.
        """
        try:
            return build(self.kinds[data.pop("type")], data, lenient=lenient)
        except KeyError as error:
            # Either the type is missing, or a class of this name.
            raise ValueError(f"not a message of this version: {error!s:.200}") from error
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a message of this version: {error}") from error


def encoder(*, ascii_only: bool) -> Callable[[Any], str]:
    """Return a function that encodes the fields of a data class as one line of JSON.

    Args:
        ascii_only: Whether to escape all other characters, including lone surrogates.
    """
    return json.JSONEncoder(
        ensure_ascii=ascii_only, check_circular=False, separators=(",", ":"), default=fields_of
    ).encode


def fields_of(instance: Any) -> dict[str, Any]:
    """Return the fields of an instance by their names, without converting their values.

    Raises:
        TypeError: It is not an instance of a data class.
    """
    kind: Any = type(instance)
    names, values = _reader(kind)
    return dict(zip(names, values(instance), strict=True))


def build(kind: Any, data: dict[str, Any], *, lenient: bool = False) -> Any:
    """Return an instance of a class from decoded JSON, which may be changed.

    Args:
        lenient: Whether to ignore fields that the class does not have.

    Raises:
        TypeError, KeyError, ValueError: The fields are not those of the class.
    """
    if lenient:
        data = {name: data[name] for name in _reader(kind)[0] if name in data}
    for name, convert in _converters(kind).items():
        if name in data:
            data[name] = convert(data[name])
    return kind(**data)


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
    """Return converters for the fields whose values JSON does not keep as they are."""
    hints = typing.get_type_hints(kind)
    converters = {field.name: converter(hints[field.name]) for field in fields(kind)}
    return {name: convert for name, convert in converters.items() if convert is not None}


def converter(hint: Any) -> Converter | None:
    """Return a function that converts JSON's value to a type; None if it needs no conversion."""
    arguments = get_args(hint)
    if get_origin(hint) in UNIONS:
        (rest, *more) = [argument for argument in arguments if argument is not type(None)]
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
    inner = [converter(argument) or _identity for argument in arguments]
    return lambda value: tuple(convert(item) for convert, item in zip(inner, value, strict=True))


def _identity(value: Any) -> Any:
    return value


UNIONS: Final = (typing.Union, types.UnionType)
