"""A program on a screen of tmux, which is what a user sees of a program that fills the screen."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from harness.projects import wait_for

COLUMNS: Final = 96
LINES: Final = 20


class Screen:
    """The screen of a program.

    Args:
        socket: The socket of a tmux server that has only this screen.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-S", str(self._socket), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def text(self) -> str:
        """Return what it shows, with the sequences for colours."""
        return self._tmux("capture-pane", "-p", "-e").rstrip("\n")

    def see(self, pattern: str, seconds: float = 300) -> str:
        """Wait until it shows what a pattern matches, and return all that it shows."""

        def seen() -> str:
            shown = self.text()
            return shown if re.search(pattern, shown) else ""

        return str(wait_for(seen, seconds, f"{pattern!r} on the screen"))

    def press(self, key: str) -> None:
        """Press a key, by its name in tmux."""
        self._tmux("send-keys", key)


@contextmanager
def on_screen(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Iterator[Screen]:
    """Have a program run on a screen of its own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        socket = Path(name) / "tmux"
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        start = [*tmux, "new-session", "-d", *size, "-c", str(folder), shlex.join(command)]
        without = ("set-option", "-g", "status", "off")
        subprocess.run([*start, ";", *without], env=dict(env), check=True)
        try:
            yield Screen(socket)
        finally:
            subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
