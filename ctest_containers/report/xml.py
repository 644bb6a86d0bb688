"""Writes XML as text, whatever characters it is to hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

NOT_XML: Final = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Characters that no XML document can have, not even escaped: XML 1.0, section 2.2."""

IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

IN_ATTRIBUTES: Final = IN_TEXT | str.maketrans(
    {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;"}
)
"""What a reader would take for something else there, or for a space: XML 1.0, section 3.3.3."""

SPECIAL: Final = re.compile(r"[^ !#-%'-;=?-~]")
"""What is not in most names and numbers, and has to be looked at."""


def element(tag: str, attributes: Mapping[str, str], inside: str = "") -> str:
    """An element.

    Args:
        inside: Other elements, or a text that `text_of` has given.
    """
    head = f"{tag}{_attributes(attributes)}"
    return f"<{head}>{inside}</{tag}>" if inside else f"<{head} />"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join([f' {name}="{_value(text)}"' for name, text in values.items()])


def _value(text: str) -> str:
    if SPECIAL.search(text) is None:
        return text
    return _allowed(text).translate(IN_ATTRIBUTES)


def text_of(text: str) -> str:
    """A text as an element holds it."""
    return _allowed(text).translate(IN_TEXT)


def _allowed(text: str) -> str:
    """A text without what XML cannot have, which is shown as Python would."""
    return re.sub(NOT_XML, lambda match: match[0].encode("unicode_escape").decode(), text)
