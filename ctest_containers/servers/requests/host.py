"""What the parent asks of a server host itself, and of the machine of its engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A host's last answer.

    Attributes:
        left: The names of the containers that it could not remove.
        reason: What the engine said; empty when nothing is left.
        peaks: The most memory that a server of each group was seen to take, in bytes.
    """

    left: tuple[str, ...]
    reason: str
    peaks: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskMemory:
    """How many bytes are free where the engine runs? Null where that is this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskArchitecture:
    """What is the processor called of the engine's machine?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteContainer:
    """Note in another folder of the run, too, which container its parent is in, if any."""

    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskServerMemory:
    """How many bytes did each server take when they were last looked at? Answered by name."""
