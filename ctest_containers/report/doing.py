"""What a worker is doing, as a line of the live display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ctest_containers.text import duration, size

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDE: Final = 120
"""Columns from which on the names of containers are shown, too."""


@dataclass(slots=True)
class Doing:
    """What a worker is doing.

    Attributes:
        what: A test, or a fixture; empty while it waits.
        since: In seconds since the run began.
        container: Its latest server, and what that takes.
        is_slow: Whether that has been said already.
    """

    what: str = ""
    since: float = 0.0
    container: str = ""
    memory_bytes: int = 0
    server_bytes: int = 0
    is_slow: bool = False

    def row(self, number: int, at: float, *, is_wide: bool) -> list[RenderableType]:
        """Return the cells of the line.

        Args:
            number: The worker's number.
            at: The time, in seconds since the run began.
            is_wide: Whether the terminal is `WIDE`.
        """
        from rich.text import Text

        seconds = at - self.since if self.what else 0.0
        style = "yellow" if self.is_slow else "" if self.what else "dim"
        row: list[RenderableType] = [
            Text(f"worker {number}", style="cyan"),
            Text(size(self.memory_bytes) if self.memory_bytes else "", style="dim"),
            Text(whole_seconds(seconds) if seconds >= 1 else "", style=style),
            Text(self.what or "waiting", style=style),
        ]
        if is_wide:
            server = size(self.server_bytes) if self.server_bytes else ""
            row += [Text(self.container), Text(server)]
        return row


def whole_seconds(seconds: float) -> str:
    """A duration without what changes too often to be read: `7 s`, `2 min 5 s`."""
    return f"{int(seconds)} s" if seconds < 60 else duration(int(seconds))
