"""Finds the tables and columns that a normalized SQL statement may touch, without a grammar.

Every name in a statement may be that of a table or of a column. That is more than it touches, and
never less.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OMITTED: Final = "..."
"""Stands for the rest of a statement that could not be read."""

NAME: Final = re.compile(r'"(?:[^"]|"")+"|`[^`]+`|\[[^\]?]+\]|[^\W\d][\w$]*')

COUNTED: Final = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)

CHANGING: Final = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")

CALLING: Final = frozenset({"", "CALL", "COPY", "DO", "EXECUTE"})
"""First words of statements that may run others."""

READING: Final = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "DECLARE"})


UNKNOWN_NAME: Final = '"?"'
"""A text in double quotes that is either a name or a literal."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a statement may touch.

    Attributes:
        verb: SELECT, INSERT, UPDATE, DELETE, TRUNCATE, or the first word of any other statement.
        tables: All names in it, in lower case: any of them may be a table's.
        columns: The same names, as it is unknown which of them are columns of which table.
        stars: The tables of which it reads all columns.
        is_opaque: Whether it may touch anything.
    """

    verb: str
    tables: frozenset[str]
    columns: Mapping[str, frozenset[str]]
    stars: frozenset[str]
    is_opaque: bool


@functools.lru_cache(maxsize=100_000)
def touched(text: str) -> Touched:
    """Return what a normalized statement may touch."""
    found = [name.strip('"`[]').replace('""', '"') for name in NAME.findall(text)]
    words = [name.upper() for name in found]
    verb = words[0] if words else ""
    if verb in READING:
        # A statement that reads may change rows in a part of it.
        verb = next((word for word in CHANGING if word in words), "SELECT")
    elif verb == "REPLACE":
        verb = "INSERT"
    names = frozenset(name.casefold() for name in found)
    return Touched(
        verb=verb,
        tables=names,
        columns={"": names},
        stars=names if "*" in COUNTED.sub("", text) else frozenset(),
        is_opaque=OMITTED in text or UNKNOWN_NAME in text or verb in CALLING,
    )
