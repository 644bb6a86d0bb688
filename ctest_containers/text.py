"""Formats numbers and long texts for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

DAY_SECONDS: Final = 24 * 3600.0


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 worker`, `2 workers`, `2 classes`, `2 batches`."""
    ending = "es" if noun.endswith(("s", "ch")) else "s"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{ending}"


def were(count: int) -> str:
    """Return the verb for a count: `was` or `were`."""
    return "was" if count == 1 else "were"


def duration(seconds: float) -> str:
    """Return a duration such as `0.31 s`, `12.4 s` or `2 min 5 s`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def span(seconds: float) -> str:
    """Return a duration that may be long, such as `3 days` or `2 h`, or like `duration`."""
    if seconds >= 2 * DAY_SECONDS:
        return f"{seconds / DAY_SECONDS:.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} h"
    return duration(seconds)


def listing(names: Sequence[str], shown: int = 4) -> str:
    """Return a list such as `a, b, c, d and 3 more`."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def first_line(text: str) -> str:
    """Return the first line of a text that is not empty; an empty string if there is none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def shortened(text: str, length: int) -> str:
    """Return a text of at most this many characters; an ellipsis stands for what is left out."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def size(count: int) -> str:
    """Return a number of bytes in KiB, MiB or GiB."""
    if count < 2**20:
        return f"{count / 2**10:.0f} KiB"
    mebibytes = count / 2**20
    return f"{mebibytes:.0f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"


def without_credentials(text: str) -> str:
    """Replace the user and the password in each address of a server by `***`."""
    return CREDENTIALS.sub("***@", text)


CREDENTIALS: Final = re.compile(
    r"""(?<=://)[^\s'"]+@|(?<![^\s'"=,])[^\s'"/=,]+:[^\s'"/]*@(?!sha256:)"""
)
"""Matches credentials in addresses such as `https://user:password@host/path`, or without `https://`.

A password that is not quoted may contain slashes and at signs.
"""


def slug(name: str) -> str:
    """Convert a name to a part of an image name: lower-case letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"


def last_lines(output: str, count: int = 20) -> str:
    """Return the last lines of a log, without empty ones."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def encodable(text: str) -> str:
    """Escape what UTF-8 cannot encode, such as lone surrogates, with backslashes."""
    return text.encode("utf-8", "backslashreplace").decode()


def without_controls(text: str) -> str:
    """Escape also control characters, which a terminal or a browser would obey."""
    return CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), encodable(text))


CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Matches control characters other than tab, line feed and carriage return."""
