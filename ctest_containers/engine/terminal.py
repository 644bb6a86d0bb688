"""Runs a program in a container on this process's terminal, as `docker exec -it` does."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import docker.errors

from ctest_containers.engine.connection import DockerConnection, close_channel
from ctest_containers.engine.sdk_errors import translated
from ctest_containers.engine.values import Container

PIECE_BYTES: Final = 65536

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
"""The signals that would otherwise end this process and leave the terminal in raw mode."""


class DockerTerminal(DockerConnection):
    """Connects this process's terminal, which must be one, to programs in containers."""

    def run(
        self, container: Container, command: Sequence[str], environment: Mapping[str, str]
    ) -> int:
        """Run a program in a container, and return its exit code.

        Raises:
            EngineError: The engine does not answer, or the container has ended.
        """
        api = self._client.api
        with translated(f"running {command[0]} in {container.name}"):
            execution = api.exec_create(
                container.id, list(command), stdin=True, tty=True, environment=dict(environment)
            )["Id"]
            channel = api.exec_start(execution, tty=True, socket=True)
        raw: Any = getattr(channel, "_sock", channel)
        try:
            with _raw_mode(), _resizing(lambda: self._resize(execution)):
                _copy(raw)
        finally:
            close_channel(channel)
        with translated(f"waiting for {command[0]} in {container.name}"):
            code = api.exec_inspect(execution)["ExitCode"]
        return 1 if code is None else int(code)

    def _resize(self, execution: str) -> None:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        # The program may have ended, or not have begun.
        with suppress(docker.errors.APIError):
            self._client.api.exec_resize(execution, height=rows, width=columns)


@contextmanager
def _raw_mode() -> Iterator[None]:
    """Pass on every key as it is pressed, Ctrl-C included, during the block."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    # What was typed ahead is kept.
    tty.setraw(keyboard, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


@contextmanager
def _resizing(resize: Callable[[], None]) -> Iterator[None]:
    """Give the program the terminal's size during the block, now and whenever it changes."""

    def changed(number: int, frame: FrameType | None) -> None:
        del number, frame
        resize()

    def ended(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, ended) for number in ENDING}
    before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, changed)
    try:
        resize()
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _copy(program: Any) -> None:
    """Copy keys to the program and its output to the terminal, until one of them ends."""
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    while True:
        ready, _, _ = select.select([program, keyboard], [], [])
        if program in ready:
            output = program.recv(PIECE_BYTES)
            if not output:
                return
            _write(screen, output)
        if keyboard in ready:
            keys = _keys(keyboard)
            if not keys:
                return
            program.sendall(keys)


def _keys(keyboard: int) -> bytes:
    """Return what has been typed; nothing if the terminal has gone."""
    try:
        return os.read(keyboard, PIECE_BYTES)
    except OSError:
        return b""


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
