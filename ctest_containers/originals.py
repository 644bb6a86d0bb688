"""What the toolkit itself uses while tests run, as it was before the first of them.

A test may put something else in the place of `time.monotonic`, `socket.socket`, `os.stat` or
`json.dumps`, and it may leave that there. What is here is nobody's to replace: these are attributes
of an object and not of a module, for freezegun replaces what it knows in every module.
"""

from __future__ import annotations

import _socket
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Originals:
    """Functions of Python's own, and the class of sockets that only C can change."""

    monotonic: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)
    open: Callable[..., int] = field(default=os.open)
    read: Callable[[int, int], bytes] = field(default=os.read)
    close: Callable[[int], None] = field(default=os.close)
    stat: Callable[..., os.stat_result] = field(default=os.stat)
    socket: Any = field(default=_socket.socket)

    def read_file(self, path: str) -> bytes:
        """The contents of a small file.

        Raises:
            OSError: It cannot be read.
        """
        descriptor = self.open(path, os.O_RDONLY)
        try:
            pieces = []
            while piece := self.read(descriptor, 1 << 16):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            self.close(descriptor)


ORIGINALS: Final = Originals()
