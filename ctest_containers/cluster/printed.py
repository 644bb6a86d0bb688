"""Reads what a process prints into a file while it prints."""

from __future__ import annotations

import os
import tempfile
from typing import Final

from ctest_containers.text import last_lines

MOST_BYTES: Final = 2**20
"""The most that is sent of it: a cluster's scheduler should not have to carry more."""

CUT_OFF: Final = "Further output of this node is not shown.\n"


class Printed:
    """A file for a process to print into, which can be read meanwhile."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  # It lives as long as this.
        self._read_bytes = 0
        self._left = MOST_BYTES

    def skip(self) -> None:
        """Leave out what has been printed so far."""
        self._read_bytes = os.fstat(self.file.fileno()).st_size

    def more(self, *, last: bool) -> str:
        """Return what has been printed since the last call, in whole lines.

        Args:
            last: Whether nothing more is expected, so that an unfinished line is returned, too.
        """
        if not self._left:
            return ""
        # The process writes where the file's own position is, which must stay as it is.
        data = os.pread(self.file.fileno(), self._left, self._read_bytes)
        if not last:
            data = data[: data.rfind(b"\n") + 1]
        self._read_bytes += len(data)
        self._left -= len(data)
        text = data.decode(errors="replace")
        return text if self._left else f"{text}\n{CUT_OFF}"

    def end(self) -> str:
        """Return the last lines of all that was printed."""
        size = os.fstat(self.file.fileno()).st_size
        first = max(0, size - MOST_BYTES)
        return last_lines(
            os.pread(self.file.fileno(), size - first, first).decode(errors="replace")
        )
