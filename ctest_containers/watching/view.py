"""What the screen shows: the state of watch mode at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ctest_containers.watching.failures import Failure
from ctest_containers.watching.round import Round


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The state of watch mode.

    Attributes:
        round: The round that runs, or the last one; None before the first.
        builder: A round that only builds a template, while another one runs; None without one.
        failures: What failed when it last ran.
        chosen: The index of the failure that would be opened.
        is_loading: Whether the project is being loaded.
        load_error: Why the project cannot be loaded; empty if it can.
        run_error: Why the last round could not run its tests; empty if it could.
        files: How many files are watched.
        note: What the user should know about watching itself; may be empty.
    """

    round: Round | None = None
    builder: Round | None = None
    failures: Sequence[Failure] = field(default_factory=list)
    chosen: int = 0
    is_loading: bool = False
    load_error: str = ""
    run_error: str = ""
    files: int = 0
    note: str = ""


class Display(Protocol):
    """Shows views, and what a key asks for."""

    def start(self) -> None:
        """Begin to show something."""

    def show(self, view: View) -> None:
        """Show a view, which may be the same as before."""

    def page(self, text: str) -> None:
        """Show a text until the user has read it."""

    def pressed(self) -> Sequence[str]:
        """Return the keys that were pressed since the last call."""

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when a key was pressed; None without keys."""

    def stop(self) -> None:
        """Leave the terminal as it was."""
