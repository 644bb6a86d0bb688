"""The toolkit on a terminal of its own, as a person at a keyboard has it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.programs import start_program
from harness.projects import Finished

MOVES = re.compile(r"\x1b\[(\d*[ABGJK]|\?25[lh])")
"""Sequences that move the cursor or wipe something out."""

COLOURS = re.compile(r"\x1b\[[0-9;]*[34]\d[;m]")


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
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = start_program(
        [sys.executable, "-m", "ctest_containers", *arguments],
        project,
        {"TERM": "xterm-256color", **env},
        own_session=True,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output, deadline = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(ours, 65536)
            except OSError:
                # The last process has closed its end.
                break
            if not data:
                break
            output += data
            if press is not None and press[0](output.decode(errors="replace")):
                os.write(ours, press[1])
                press = None
        code = process.wait(max(1.0, deadline - time.monotonic()))
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return Finished(code, output.decode(errors="replace").replace("\r\n", "\n"))
