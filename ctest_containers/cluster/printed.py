"""What a process prints into a file, told as it comes."""

from __future__ import annotations

import os
import tempfile
from typing import Final

from ctest_containers.text import last_lines

MOST_BYTES: Final = 2**20
"""What is told at most: the scheduler of a cluster is no place for more."""

CUT_OFF: Final = "What else is printed on this node is not shown.\n"


class Printed:
    """A file for a process to print into, which others read meanwhile."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  # It lives as long as this.
        self._told = 0
        self._left = MOST_BYTES

    def skip(self) -> None:
        """What has come so far is not told."""
        self._told = os.fstat(self.file.fileno()).st_size

    def more(self, *, last: bool) -> str:
        """What has come since, in whole lines.

        Args:
            last: Whether nothing more is expected, so that a line that has no end is told, too.
        """
        if not self._left:
            return ""
        # The process writes where the file's own position is, which must stay as it is.
        data = os.pread(self.file.fileno(), self._left, self._told)
        if not last:
            data = data[: data.rfind(b"\n") + 1]
        self._told += len(data)
        self._left -= len(data)
        text = data.decode(errors="replace")
        return text if self._left else f"{text}\n{CUT_OFF}"

    def end(self) -> str:
        """The last lines of all."""
        size = os.fstat(self.file.fileno()).st_size
        first = max(0, size - MOST_BYTES)
        return last_lines(
            os.pread(self.file.fileno(), size - first, first).decode(errors="replace")
        )
