"""Types of commands' options, for `type=` of argparse."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ctest_containers.options.values import parse_count, parse_seconds, parse_size


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [part.strip() for part in text.split(",") if part.strip()]


def count(text: str) -> int:
    """The type of an option that is a number of things."""
    return int(_parsed(parse_count, text))


def byte_size(text: str) -> int:
    """The type of an option that is an amount of memory."""
    return int(_parsed(parse_size, text))


def seconds(text: str) -> float:
    """The type of an option that is a time, which may be 0."""
    return 0.0 if text == "0" else float(_parsed(parse_seconds, text))


def port(text: str) -> int:
    """The type of an option that is a TCP port."""
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} must be a port from 1 to 65535")
    return int(text)


def _parsed(parse: Callable[[object], float], text: str) -> float:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error
