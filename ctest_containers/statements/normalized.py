"""The texts of SQL statements without what differs from one execution to the next."""

from __future__ import annotations

import functools
import re
from typing import Final

LITERALS: Final = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|%s")

LISTS: Final = re.compile(r"\(\?(?:, \?)+\)")


@functools.lru_cache(maxsize=1024)
def normalized(sql: str, vendor: str) -> str:  # noqa: ARG001
    """A statement with `?` in place of each literal and parameter."""
    return LISTS.sub("(?)", LITERALS.sub("?", sql))
