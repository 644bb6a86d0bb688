"""A worker's end of the channel to its parent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ctest_containers.events import WorkerEvent
from ctest_containers.wire import (
    DatabaseRequest,
    KeepAnswer,
    KeepRequest,
    LineBuffer,
    Message,
    Quit,
    ServerVerdict,
    TerminalAnswer,
    TerminalRequest,
    UseResources,
    VerdictRequest,
    WorkerRequest,
    decode,
    encode,
)


class Channel:
    """Sends events and requests, and receives commands and answers.

    Args:
        connection: A socket that blocks.

    Attributes:
        asking: Held while an answer is awaited, and by those who may ask while they use one.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._lines = LineBuffer()
        self._pending: list[bytes] = []
        self._postponed: list[Message] = []
        self._queued: list[bytes] = []
        self._sending = threading.Lock()
        self.asking = threading.RLock()

    def send(self, message: WorkerEvent | WorkerRequest) -> None:
        """Send an event or a request; block while the parent is busy."""
        # A thread of a test may request a database at the same time.
        with self._sending:
            self._connection.sendall(b"".join([*self._queued, encode(message)]))
            self._queued.clear()

    def queue(self, event: WorkerEvent) -> None:
        """Send an event together with the next message, which saves the parent from waking up."""
        line = encode(event)
        with self._sending:
            self._queued.append(line)

    def next_message(self) -> Message | None:
        """Return the next command; None if the parent is gone."""
        if self._postponed:
            return self._postponed.pop(0)
        line = self._next_line()
        return decode(line) if line is not None else None

    def ask(self, request: WorkerRequest, use: Callable[[UseResources], None]) -> Message | None:
        """Return the parent's answer to a request; None if the parent is gone.

        Args:
            use: Called with the databases that arrive with the answer or before it.
        """
        with self.asking:
            self.send(request)
            while (line := self._next_line()) is not None:
                match message := decode(line):
                    case UseResources(answers=answers):
                        use(message)
                        if isinstance(request, DatabaseRequest) and answers == request.alias:
                            return message
                    case ServerVerdict():
                        # It may be the late answer to a request of an interrupted test.
                        if isinstance(request, VerdictRequest):
                            return message
                    case KeepAnswer():
                        if isinstance(request, KeepRequest):
                            return message
                    case TerminalAnswer():
                        if isinstance(request, TerminalRequest):
                            return message
                    case Quit():
                        self._postponed.append(message)
                        return None
                    case _:
                        # A command that the parent sent before this worker was ready.
                        self._postponed.append(message)
            return None

    def _next_line(self) -> bytes | None:
        while not self._pending:
            data = self._connection.recv(65536)
            if not data:
                return None
            self._pending.extend(self._lines.feed(data))
        return self._pending.pop(0)
