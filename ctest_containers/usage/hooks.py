"""What is done whenever functions run, and how they are identified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Final, Protocol, TypeAlias

CO_OPTIMIZED: Final = 1
"""The flag of functions; modules and bodies of classes lack it."""

MODULE: Final = "<module>"

CachedFunction: TypeAlias = tuple[CodeType, str]
"""The code of a function whose answers are cached, and its full name: `module:name`."""

number_of: Final = object.__hash__
"""Identifies a code object while it exists. Its own hash is slow, and equal for equal code; `id`
raises an audit event."""


class UnavailableError(Exception):
    """Functions cannot be recorded; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Hook:
    """What to do whenever a function runs; each call gets the function's frame.

    Attributes:
        enter: Called when it begins; None to call nothing.
        leave: Called when it returns or raises.
        fail: Called when it raises, if there is no `leave`.
    """

    enter: Callable[[FrameType], None] | None = None
    leave: Callable[[FrameType], None] | None = None
    fail: Callable[[FrameType], None] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Which functions are recorded.

    Attributes:
        is_wanted: Whether the functions of a file are.
        module: What to do while a module with such a file is executed.
        late: Returns the hook of a function that is not wanted, when it runs first.
        failed: Called with an error of a hook, which it may raise.
    """

    is_wanted: Callable[[str], bool]
    module: Hook
    late: Callable[[CodeType], Hook | None]
    failed: Callable[[Exception], None]


class FunctionWatch(Protocol):
    """Reports functions in all threads."""

    def add(self, code: CodeType, hook: Hook) -> None:
        """Call a hook whenever this code runs."""

    def start(self) -> None:
        """Start reporting.

        Raises:
            UnavailableError: It is not possible in this process.
        """

    def give(self, codes: dict[int, CodeType]) -> None:
        """Add the code of functions that have run since the last call, by identity."""

    def stop(self) -> None:
        """Stop reporting."""


class Hooks:
    """Hooks by file and first line, as comparing code objects is slow."""

    def __init__(self) -> None:
        self.by_file: dict[str, dict[int, Hook]] = {}

    def add(self, code: CodeType, hook: Hook) -> None:
        """Add the hook of a function."""
        self.by_file.setdefault(code.co_filename, {})[line_of(code)] = hook

    def find(self, code: CodeType) -> Hook | None:
        """Return the hook of a function; None if it has none."""
        group = self.by_file.get(code.co_filename)
        return None if group is None else group.get(line_of(code))


def line_of(code: CodeType) -> int:
    """Return what distinguishes the code in a file: its first line, and 0 for the module."""
    # A function may begin in the first line of a module.
    return 0 if code.co_name == MODULE else code.co_firstlineno
