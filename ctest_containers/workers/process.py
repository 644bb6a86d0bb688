"""A worker process as its parent sees it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import replace

from ctest_containers.wire import Command, LineBuffer, Message, decode, encode
from ctest_containers.workers import child
from ctest_containers.workers.alarm import INTERRUPT_SIGNAL, STACK_SIGNAL
from ctest_containers.workers.assignment import Assignment

SEND_SECONDS = 30.0
"""How long a worker may take to accept a command, which it does whenever it is idle."""

QUIT_SECONDS = 5.0
"""How long a worker may take to end after it was told to, before it is killed."""


class WorkerProcess:
    """One worker process and the channel to it."""

    def __init__(self, assignment: Assignment) -> None:
        self.number = assignment.worker
        self._stack_file = assignment.stack_file
        self._channel, theirs = socket.socketpair()
        # What a fork would copy must not be written twice.
        sys.stdout.flush()
        sys.stderr.flush()
        forked = not assignment.setup.spawned
        close = (*assignment.close, self._channel.fileno()) if forked else ()
        self._process = assignment.setup.context.Process(  # type: ignore[attr-defined]
            target=child.main,
            args=(replace(assignment, close=close), theirs),
            name=f"ctest-worker-{assignment.worker}",
        )
        self._process.start()
        theirs.close()
        self._channel.settimeout(0)
        self._lines = LineBuffer()
        self.closed = False

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return int(self._process.pid)

    def fileno(self) -> int:
        """Readable when it has sent something or has ended."""
        return self._channel.fileno()

    def send(self, command: Command) -> None:
        """Send a command; one that has died meanwhile is found out when reading."""
        self._channel.settimeout(SEND_SECONDS)
        with suppress(OSError):
            self._channel.sendall(encode(command))
        self._channel.settimeout(0)

    def receive(self) -> list[Message]:
        """What has arrived; sets `closed` when nothing more will."""
        try:
            data = self._channel.recv(1 << 20)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
        try:
            return [decode(line) for line in self._lines.feed(data)]
        except ValueError:
            # Something else has written into the channel; nothing in it can be trusted any more.
            self.kill()
            self.closed = True
            return []

    @property
    def alive(self) -> bool:
        """Whether the process itself still runs.

        Its channel may outlive it: a process that a test has forked holds it, too.
        """
        return bool(self._process.is_alive())

    def interrupt(self) -> None:
        """Ask it to end after the test that is running."""
        self._signal(signal.SIGINT)

    def interrupt_what_runs(self) -> None:
        """Raise an error in the test or fixture whose time is up, if it still runs."""
        if INTERRUPT_SIGNAL is not None:
            self._signal(INTERRUPT_SIGNAL)

    def ask_where(self) -> None:
        """Let it write down where it is, into its stack file."""
        if STACK_SIGNAL is not None:
            self._signal(STACK_SIGNAL)

    def where(self) -> str:
        """What it has written down."""
        try:
            return self._stack_file.read_text(errors="replace")
        except OSError:
            return ""

    def kill(self) -> None:
        """End it at once."""
        if self._process.is_alive():
            self._process.kill()

    def join(self) -> int | None:
        """Wait for its end, which has begun, and give its exit code: negative for a signal."""
        self._process.join(QUIT_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join(QUIT_SECONDS)
        self._channel.close()
        code: int | None = self._process.exitcode
        return code

    def _signal(self, number: int) -> None:
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)
