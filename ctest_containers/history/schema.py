"""The JSON Schema of an event log's lines, made from the classes of the events."""

from __future__ import annotations

import inspect
import typing
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, Final, get_args, get_origin

from ctest_containers.codec import UNIONS
from ctest_containers.history.lines import EVENTS, FORMAT, VERSION

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

PLAIN: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema() -> dict[str, Any]:
    """The schema of every line of a log; later versions may add fields to events."""
    return {
        "$schema": DIALECT,
        "title": f"A line of an event log of ctest_containers, version {VERSION}",
        "oneOf": [
            {"$ref": "#/$defs/Header"},
            *({"$ref": f"#/$defs/{name}"} for name in sorted(EVENTS.kinds)),
        ],
        "$defs": {
            "Header": _object(
                {"format": {"const": FORMAT}, "version": {"const": VERSION}}, ["format", "version"]
            ),
            **{name: _event(name, kind) for name, kind in sorted(EVENTS.kinds.items())},
        },
    }


def _event(name: str, kind: Any) -> dict[str, Any]:
    schema = _of_class(kind)
    at = {"type": "number", "description": "Seconds since the run began."}
    schema["properties"] = {"at": at, "type": {"const": name}, **schema["properties"]}
    schema["required"] = ["at", "type", *schema["required"]]
    return schema


def _of_class(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    needed = [field.name for field in fields(kind) if field.default is MISSING]
    properties = {field.name: _of_type(hints[field.name]) for field in fields(kind)}
    return {"description": inspect.getdoc(kind), **_object(properties, needed)}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _of_type(hint: Any) -> dict[str, Any]:
    arguments = get_args(hint)
    if get_origin(hint) in UNIONS:
        return {"anyOf": [_of_type(argument) for argument in arguments]}
    if get_origin(hint) is tuple:
        if arguments[1:] == (Ellipsis,):
            return {"type": "array", "items": _of_type(arguments[0])}
        return {"type": "array", "prefixItems": [_of_type(argument) for argument in arguments]}
    if hint is type(None):
        return {"type": "null"}
    if is_dataclass(hint):
        return _of_class(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    return {"type": PLAIN[hint]}
