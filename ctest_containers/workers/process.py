"""A worker process as the parent sees it."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from ctest_containers.wire import Command, LineBuffer, Message, decode, encode
from ctest_containers.workers import child
from ctest_containers.workers.alarm import INTERRUPT_SIGNAL, STACK_SIGNAL
from ctest_containers.workers.assignment import Assignment

SEND_SECONDS = 30.0
"""How long a worker may take to accept a command, which it does whenever it is idle."""

QUIT_SECONDS = 5.0
"""How long a worker may take to end after a command to quit, before it is killed."""

TICK_SECONDS = 0.2
"""How often a pool checks its limits, and whether to stop, if nothing else happens."""


class WorkerProcess:
    """One worker process and the channel to it."""

    def __init__(self, assignment: Assignment) -> None:
        self.number = assignment.worker
        self._stack_file = assignment.stack_file
        self._channel, theirs = socket.socketpair()
        # A fork would copy buffered output, which would then be written twice.
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
        """Return a descriptor that is readable when it has sent something or has ended."""
        return self._channel.fileno()

    def send(self, command: Command) -> None:
        """Send a command; if the process has died meanwhile, the next `receive` notices."""
        self._channel.settimeout(SEND_SECONDS)
        with suppress(OSError):
            self._channel.sendall(encode(command))
        self._channel.settimeout(0)

    def receive(self) -> list[Message]:
        """Return the messages that have arrived; set `closed` when no more will."""
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
            # Something else has written into the channel, so nothing in it can be trusted.
            self.kill()
            self.closed = True
            return []

    @property
    def alive(self) -> bool:
        """Whether the process itself still runs.

        Its channel may outlive it: a process that a test has forked keeps it open.
        """
        return bool(self._process.is_alive())

    def interrupt(self) -> None:
        """Ask it to end after the running test."""
        self._signal(signal.SIGINT)

    def interrupt_test(self) -> None:
        """Raise an error in the running test or fixture, if its time is up."""
        if INTERRUPT_SIGNAL is not None:
            self._signal(INTERRUPT_SIGNAL)

    def request_stacks(self) -> None:
        """Ask it to write the stacks of its threads into its stack file."""
        if STACK_SIGNAL is not None:
            self._signal(STACK_SIGNAL)

    def stacks(self) -> str:
        """Return the stacks that it has written."""
        try:
            return self._stack_file.read_text(errors="replace")
        except OSError:
            return ""

    def kill(self) -> None:
        """Kill it."""
        if self._process.is_alive():
            self._process.kill()

    def join(self) -> int | None:
        """Wait for it to end, and return its exit code, negative for a signal.

        It is killed if it does not end; None if even that fails.
        """
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


def await_readable(descriptors: Iterable[int]) -> set[int]:
    """Wait until one of these descriptors can be read, and return those that can.

    Returns an empty set after `TICK_SECONDS`, for there are limits to check.
    """
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        return {key.fd for key, _ in selector.select(TICK_SECONDS)}
