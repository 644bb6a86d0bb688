"""The toolkit on a terminal of its own, as a person at a keyboard has it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.programs import start_program
from harness.projects import Finished

MOVES = re.compile(r"\x1b\[(\d*[ABGJK]|\?25[lh])")
"""Sequences that move the cursor or wipe something out."""

COLOURS = re.compile(r"\x1b\[[0-9;]*[34]\d[;m]")


SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""All that is no text."""

CTRL_C, CTRL_D, CTRL_Z = b"\x03", b"\x04", b"\x1a"


class TerminalProgram:
    """A program on a terminal of its own, and the person who watches it and types."""

    def __init__(
        self, command: Sequence[str], folder: Path, env: Mapping[str, str], *, columns: int = 100
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = start_program(
            command,
            folder,
            {"TERM": "xterm-256color", **env},
            own_session=True,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._data = b""
        self._read_up_to = 0

    def __enter__(self) -> TerminalProgram:  # noqa: PYI034  # `Self` is not in Python 3.10.
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def output(self) -> str:
        """Everything that has been sent to the terminal."""
        return self._data.decode(errors="replace").replace("\r\n", "\n")

    @property
    def modes(self) -> list[Any]:
        """The modes of the terminal, as `termios.tcgetattr` gives them."""
        return termios.tcgetattr(self._ours)

    def see(self, text: str, seconds: float = 60) -> str:
        """Wait until the terminal shows a text after the last one; give what came before it."""
        deadline = time.monotonic() + seconds
        while True:
            shown = SEQUENCES.sub("", self.output)
            at = shown.find(text, self._read_up_to)
            if at >= 0:
                before, self._read_up_to = shown[self._read_up_to : at], at + len(text)
                return before
            if time.monotonic() > deadline or not self.read():
                raise AssertionError(f"{text!r} is not in:\n{shown[self._read_up_to :]}")

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, line.encode() + b"\n")

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def insist(self, keys: bytes, text: str, seconds: float = 60) -> str:
        """Press keys until the terminal shows a text; give what came before it.

        A signal that arrives just before a debugger waits for input is noticed at the next key.
        """
        deadline = time.monotonic() + seconds
        while True:
            self.press(keys)
            try:
                return self.see(text, 3)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    def read(self) -> bool:
        """Read for a moment; whether there may be more."""
        if not select.select([self._ours], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            # The last process has closed its end.
            data = b""
        self._data += data
        return bool(data)

    def finish(self, seconds: float = 120, *, insisting: bytes = b"") -> Finished:
        """Wait for the end of the program.

        Args:
            insisting: Keys that end it, pressed now and again: a program may drop what is typed
                while it prepares the terminal for a line, as libedit does after a prompt.
        """
        deadline = time.monotonic() + seconds
        press_at = time.monotonic()
        while time.monotonic() < deadline and self.read():
            if insisting and time.monotonic() >= press_at:
                self.press(insisting)
                press_at = time.monotonic() + 3
        try:
            code = self.process.wait(max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"The program does not end after:\n{self.output}") from None
        return Finished(code, self.output)


def at_terminal(
    project: Path, *arguments: str, env: Mapping[str, str], columns: int = 100
) -> TerminalProgram:
    """Start the command line on a terminal."""
    command = [sys.executable, "-m", "ctest_containers", *arguments]
    return TerminalProgram(command, project, env, columns=columns)


def run_on_terminal(
    project: Path,
    *arguments: str,
    env: Mapping[str, str],
    columns: int = 100,
    seconds: float = 120,
    press: tuple[Callable[[str], bool], bytes] | None = None,
) -> Finished:
    """Run the command line and give everything that it has sent to the terminal.

    Args:
        press: Keys, and what has to be on the terminal when they are pressed.
    """
    deadline = time.monotonic() + seconds
    with at_terminal(project, *arguments, env=env, columns=columns) as program:
        while press is not None and time.monotonic() < deadline and program.read():
            if press[0](program.output):
                program.press(press[1])
                press = None
        return program.finish(max(1.0, deadline - time.monotonic()))
