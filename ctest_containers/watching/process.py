"""What a process of watch mode does when it begins as a fork, and when it ends."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import traceback
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from ctest_containers.project.process import die_with_parent


def fork(function: Callable[[], int]) -> int:
    """Call a function in a fork, which then exits with its result, and return the fork's id.

    The kernel kills the fork when this process ends.
    """
    if pid := split():
        return pid
    code = 1
    try:
        code = function()
    except BaseException:  # noqa: BLE001  # A fork must not go on with what its parent does.
        traceback.print_exc()
    return end(code)


def split() -> int:
    """Fork, and return the fork's id, or 0 in the fork; see `fork`."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    if pid := os.fork():
        return pid
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    _forget_exit_handlers()
    return 0


def end(code: int) -> NoReturn:
    """Call the exit handlers that this process has registered, and exit."""
    with suppress(BaseException):
        atexit._run_exitfuncs()
    with suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _forget_exit_handlers() -> None:
    """Leave to the parent what it has to do when it exits, such as removing temporary folders."""
    atexit._clear()
    finalize: Any = weakref.finalize
    for info in finalize._registry.values():
        info.atexit = False
    # The next one registers itself again.
    finalize._registered_with_atexit = False


def print_into(descriptor: int) -> None:
    """Print into a file from now on, and read nothing."""
    null = os.open(os.devnull, os.O_RDONLY)
    for own, other in ((0, null), (1, descriptor), (2, descriptor)):
        os.dup2(other, own)
    os.close(null)


def default_signals() -> None:
    """Handle signals as an interpreter does when it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def first_line(channel: socket.socket) -> bytes:
    """Return the first line that arrives; empty if the other side has gone."""
    data = b""
    while not data.endswith(b"\n"):
        piece = channel.recv(1 << 16)
        if not piece:
            return b""
        data += piece
    return data
