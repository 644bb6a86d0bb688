"""How numbers and long texts are shown to people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

DAY_SECONDS: Final = 24 * 3600.0


def plural(count: int, noun: str) -> str:
    """`1 worker`, `2 workers`, `2 classes`, `2 batches`."""
    ending = "es" if noun.endswith(("s", "ch")) else "s"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{ending}"


def were(count: int) -> str:
    """The verb that belongs to as many things."""
    return "was" if count == 1 else "were"


def duration(seconds: float) -> str:
    """`0.31 s`, `12.4 s`, `2 min 5 s`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def span(seconds: float) -> str:
    """A time that may be long: `3 days`, `2 h`, or as `duration`."""
    if seconds >= 2 * DAY_SECONDS:
        return f"{seconds / DAY_SECONDS:.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} h"
    return duration(seconds)


def listing(names: Sequence[str], shown: int = 4) -> str:
    """`a, b, c, d and 3 more`."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def size(count: int) -> str:
    """A number of bytes in MiB or GiB, as people compare them."""
    mebibytes = count / 2**20
    return f"{mebibytes:.0f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"


def without_credentials(text: str) -> str:
    """The text, with `***` for the user and the password in each address of a server."""
    return CREDENTIALS.sub("***@", text)


CREDENTIALS: Final = re.compile(
    r"""(?<=://)[^\s'"]+@|(?<![^\s'"=,])[^\s'"/=,]+:[^\s'"/]*@(?!sha256:)"""
)
"""In an address such as `https://user:password@host/path`, or one without `https://`.

A password that is not quoted may have slashes and at signs in it.
"""


def slug(name: str) -> str:
    """The name as a component of an image name: lower-case letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"


def last_lines(output: str, count: int = 20) -> str:
    """The end of a log, without its empty lines."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def encodable(text: str) -> str:
    """The text with what UTF-8 lacks, half a pair of surrogates say, written as Python would."""
    return text.encode("utf-8", "backslashreplace").decode()


def without_controls(text: str) -> str:
    """The same, and so for control characters, which a terminal or a browser would obey."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), encodable(text))


CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""All but tab, line feed and carriage return."""
