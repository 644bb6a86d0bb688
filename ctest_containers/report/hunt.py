"""Shows the progress of a hunt on the terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TextIO

from ctest_containers.text import plural, without_controls

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

REFRESH_SECONDS: Final = 0.25


class HuntProgress:
    """Prints each step of a hunt; on a terminal, one line shows the current one.

    Like the live display of a run, it starts no thread.

    Args:
        stream: Where to print; None to print nothing.
        moves: Whether the terminal can show a line that changes.
    """

    def __init__(self, stream: TextIO | None, *, moves: bool) -> None:
        self._stream = stream
        self._moves = moves and stream is not None
        self._live: Live | None = None
        self._began = self._drawn = 0.0
        self._text = ""
        self._all = self._left = 0

    def begin(self, test: str) -> None:
        """Show that the hunt of a test begins."""
        self.end()
        self._began, self._text, self._all, self._left = time.monotonic(), "", 0, 0
        self._print(f"Hunting {test}")

    def step(self, text: str, *, left: int = 0) -> None:
        """Show what the hunt does next, and how many tests are left to search."""
        self._text, self._left = text, left
        self._all = max(self._all, left)
        if not self._moves:
            self._print(f"  {text}.")
        self.tick()

    def tick(self) -> None:
        """Draw again, if it is time."""
        if not self._moves or time.monotonic() - self._drawn < REFRESH_SECONDS:
            return
        self._drawn = time.monotonic()
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(file=self._stream),
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
                transient=True,
            )
            self._live.start()
            self._live.console.show_cursor()
        self._live.update(self._picture(), refresh=True)

    def end(self) -> None:
        """Remove the line."""
        if self._live is not None:
            live, self._live = self._live, None
            live.update("", refresh=True)
            live.stop()

    def _picture(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        line.add_column(no_wrap=True, justify="right")
        seconds = f"{int(time.monotonic() - self._began)} s"
        narrowed = ""
        if self._left:
            narrowed = f"{self._left} of {plural(self._all, 'test')}, "
        line.add_row(Text(without_controls(self._text)), Text(f"{narrowed}{seconds}", style="dim"))
        return line

    def _print(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(without_controls(f"{text}\n"))
            self._stream.flush()
