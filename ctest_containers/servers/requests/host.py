"""Requests about the server host itself, and about the machine of its engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A host's last answer.

    Attributes:
        left: The names of the containers that it could not remove.
        reason: The engine's reason; empty if nothing is left.
        peaks: The most memory that a server of each group has used, in bytes.
    """

    left: tuple[str, ...]
    reason: str
    peaks: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskMemory:
    """Ask how many bytes are free where the engine runs; null if that is this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskArchitecture:
    """Ask for the processor architecture of the engine's machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteContainer:
    """Note in another folder of the run which container its parent runs in, if any."""

    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskServerMemory:
    """Ask how many bytes each server used when it was last measured; answered by name."""
