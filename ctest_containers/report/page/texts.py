"""Cuts what tests have printed to what a page can hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 100 * 1024
"""How many characters of one output a page has: its end, for that is where things went wrong."""

_LINE: Final = 4_000
"""What a line of a page has room for, in characters."""

_HEAD: Final = 20 * 1024

_CAPTURED: Final = re.compile(r"\n(Stdout|Stderr):\n")


@dataclass(slots=True)
class Allowance:
    """What all outputs of tests that went well may take together, in characters."""

    left: int = 16 * 1024 * 1024

    def take(self, wanted: int) -> int:
        """How much of what is wanted is granted."""
        granted = min(wanted, self.left)
        self.left -= granted
        return granted


def cut(text: str, allowance: Allowance | None = None) -> list[str | int]:
    """The end of a text, and how many characters of it are left out before that."""
    length = min(len(text), LONGEST)
    if allowance is not None:
        length = allowance.take(length)
    left_out = len(text) - length
    return [text[left_out:], left_out]


def cut_line(text: str) -> str:
    """The beginning of a text for which a page has one line."""
    return text[:_LINE]


def cut_middle(text: str) -> str:
    """The text without its middle where it is too long: a traceback matters at both ends."""
    left_out = len(text) - LONGEST
    if left_out <= 0:
        return text
    tail = text[len(text) - (LONGEST - _HEAD) :]
    return f"{text[:_HEAD]}\n… {left_out} characters omitted …\n{tail}"


def captured_in(text: str) -> tuple[str, str, str]:
    """The parts of a problem's report: the traceback, and the captured stdout and stderr."""
    first = _CAPTURED.search(text)
    if first is None:
        return text, "", ""
    traceback, rest = text[: first.start()], text[first.end() :]
    if first[1] == "Stderr":
        return traceback, "", rest
    stdout, _, stderr = rest.partition("\nStderr:\n")
    return traceback, stdout, stderr
