"""Finds clocks and random numbers in statements and in defaults of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

WRITING: Final = re.compile(
    r"\b(?:INSERT|UPDATE|REPLACE|MERGE|CREATE\s+(?:TEMP\w*\s+)?TABLE\b.*\bAS|SELECT\b.*\bINTO)\b",
    re.IGNORECASE | re.DOTALL,
)
"""Matches a statement that inserts or updates rows."""


CALLS: Final = re.compile(
    r"""\b(?:
        (?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|sysdate
        |curdate|curtime|utc_timestamp|utc_date|utc_time|unix_timestamp|rand|random|randomblob
        |gen_random_uuid|uuid_generate_v[14](?:mc)?|uuid|uuid_short|uuidv[47]|gen_random_bytes
        |random_bytes|unixepoch)\s*\((?!\s*'')
        |current_(?:timestamp|date|time)\b|localtime(?:stamp)?\b
        |(?:date|time|datetime|julianday|strftime)\s*\((?:\s*\)|[^()]*'now')
    )|'now'::""",
    re.IGNORECASE | re.VERBOSE,
)
"""Matches the clocks and random numbers of all vendors."""

WORDS: Final = ("now", "time", "date", "rand", "uuid", "julianday", "unixepoch")
"""Parts of their names, in lower case; each name contains at least one."""

TEXT: Final = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL
)
"""Matches quoted text, quoted names and comments."""


def clock_in(statement: str) -> str:
    """Return the first clock or random number of a statement that writes rows; else empty."""
    text = statement.lower()
    # Most statements of migrations are long and have none.
    if not any(word in text for word in WORDS):
        return ""
    plain = _unquoted(statement)
    return _call_in(plain) if WRITING.search(plain) else ""


def clocks_in_defaults(cursor: Any, defaults: str) -> Iterator[str]:
    """Yield the columns whose default is a clock or random number, of tables that have rows.

    Args:
        defaults: See `SessionQuestions`.
    """
    cursor.execute(defaults)
    for table, column, default in cursor.fetchall():
        if call := _call_in(_unquoted(str(default))):
            cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608
            if cursor.fetchone() is not None:
                yield f"{call}, the default of {column}"


def _unquoted(text: str) -> str:
    """Return a statement without comments and quoted text, except the word `now`."""
    return TEXT.sub(_without_text, text)


def _without_text(match: re.Match[str]) -> str:
    if match[0].startswith(("--", "/*")):
        return " "
    return "'now'" if match[0].lower() == "'now'" else "''"


def _call_in(text: str) -> str:
    call = CALLS.search(text)
    return "" if call is None else re.split(r"[\s(:]", call[0])[0].strip("'").lower()
