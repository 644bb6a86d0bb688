"""A process that sends lines, as the supervisor sees it."""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import suppress
from typing import Final

from ctest_containers.events import Event
from ctest_containers.watching.messages import Began, Message, decode
from ctest_containers.wire import LineBuffer

KILL_SECONDS: Final = 5.0
"""How long a killed process may take to end."""


class Remote:
    """The channel to a stage or a round, which is not a child of this process.

    Args:
        channel: The supervisor's end.

    Attributes:
        pid: Its process; 0 until it has said so.
        closed: Whether nothing more will arrive.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lines = LineBuffer()
        self._process = -1
        self._signal = 0
        self.pid = 0
        self.closed = False

    def fileno(self) -> int:
        """Return a descriptor that is readable when it has sent something or has ended."""
        return self._channel.fileno()

    @property
    def process(self) -> int:
        """A descriptor that is readable when its process has ended; -1 if it is not known yet."""
        return self._process

    @property
    def has_news(self) -> bool:
        """Whether it has sent something that has not been received."""
        return bool(select.select([self._channel], [], [], 0)[0])

    def send(self, data: bytes, descriptors: tuple[int, ...] = ()) -> None:
        """Send data and descriptors; what receives notices if it has died."""
        with suppress(OSError):
            if descriptors:
                socket.send_fds(self._channel, [data], descriptors)
            else:
                self._channel.sendall(data)

    def receive(self) -> list[Message | tuple[Event, float]]:
        """Return what has arrived; set `closed` when no more will."""
        try:
            data = self._channel.recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            self.closed = True
        messages: list[Message | tuple[Event, float]] = []
        for line in self._lines.feed(data):
            message = decode(line)
            if isinstance(message, Began):
                self._began(message.pid)
            else:
                messages.append(message)
        return messages

    def _began(self, pid: int) -> None:
        self.pid = pid
        with suppress(OSError):
            self._process = os.pidfd_open(pid)
        if self._signal:
            self.signal(self._signal)

    def signal(self, number: int) -> None:
        """Send a signal, as soon as its process is known."""
        self._signal = number
        if self._process >= 0:
            with suppress(OSError):
                signal.pidfd_send_signal(self._process, number)

    def kill(self) -> None:
        """Kill its process, and wait until it has ended."""
        self.signal(signal.SIGKILL)
        if self._process >= 0:
            select.select([self._process], [], [], KILL_SECONDS)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
        if self._process >= 0:
            os.close(self._process)
            self._process = -1
        self.closed = True
