"""Writes files of variables that shells, Docker Compose and dotenv libraries read identically.

They agree on few ways to write a value: a word of harmless characters without quotes, and nearly
everything else in single quotes. A value that one of them would read differently is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ctest_containers.errors import ServiceError, UsageError
from ctest_containers.storage import replace_text

WORD: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")

SINGLE: Final = re.compile(
    r"(?:(?!\$\{)[^'\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|\\(?![\\']|$))*"
)
"""What python-dotenv does not change in single quotes: text without `${` and escapes."""

DOUBLE: Final = re.compile(r"[^\"$`\\!\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*")
"""What no reader changes in double quotes."""


def write_env_file(file: Path, variables: Mapping[str, str]) -> None:
    """Write `NAME=value` lines atomically to a file that only its owner may read.

    Raises:
        UsageError: Readers would not agree on a value.
        ServiceError: The file cannot be written.
    """
    text = "".join(f"{name}={quoted(name, value)}\n" for name, value in variables.items())
    try:
        replace_text(file.absolute(), text, private=True)
    except OSError as error:
        raise ServiceError(
            f"The file {file} cannot be written: {error}.", "Choose another file with --env-file."
        ) from error


def quoted(name: str, value: str) -> str:
    """Return a value quoted for such a file.

    Raises:
        UsageError: Readers would not agree on the value.
    """
    if WORD.fullmatch(value):
        return value
    if SINGLE.fullmatch(value):
        return f"'{value}'"
    if DOUBLE.fullmatch(value):
        return f'"{value}"'
    raise UsageError(
        f"The value of {name} contains characters that programs read from such a file in "
        "different ways.",
        "Use --json, or rename the database or its user, or set TMPDIR to another folder.",
    )
