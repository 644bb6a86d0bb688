"""The original functions that the toolkit itself uses while tests run.

A test may replace `time.monotonic`, `socket.socket`, `os.stat` or `json.dumps`, and may not restore
them. Nothing replaces these: they are attributes of an object and not of a module, because
freezegun replaces the functions that it knows in every module.
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
    """Python's own functions, and its class of sockets in C, which cannot be changed."""

    monotonic: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)
    open: Callable[..., int] = field(default=os.open)
    read: Callable[[int, int], bytes] = field(default=os.read)
    close: Callable[[int], None] = field(default=os.close)
    stat: Callable[..., os.stat_result] = field(default=os.stat)
    socket: Any = field(default=_socket.socket)

    def read_file(self, path: str) -> bytes:
        """Return the contents of a small file.

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
