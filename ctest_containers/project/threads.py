"""Decides whether a process with several threads may be forked.

A forked process has only the thread that forked, and a copy of every lock. A lock that another
thread holds at that moment is never released in the copy.
"""

from __future__ import annotations

import platform
import sys
import threading
import time
from pathlib import Path
from typing import Final

THREADS: Final = Path("/proc/self/task")

INPUT: Final = {
    # read, poll, readv, select, recvfrom, recvmsg, accept, epoll_wait, pselect6, ppoll,
    # epoll_pwait, accept4; see the tables of system calls in the kernel's sources.
    "x86_64": frozenset({0, 7, 19, 23, 45, 47, 43, 232, 270, 271, 281, 288}),
    "aarch64": frozenset({63, 65, 72, 73, 22, 207, 212, 202, 242}),
}
"""The system calls in which a thread waits for input."""

FUTEX: Final = {"x86_64": 202, "aarch64": 98}
"""The system call in which a thread waits for a lock or a condition."""


READER: Final = "execnet"
"""The package whose thread reads the messages to a worker of pytest-xdist."""

POLL_SECONDS: Final = 0.005


def may_fork(patience: float = 5.0) -> bool:
    """Whether no other thread of this process can hold a lock that its fork needs.

    This holds for pytest-xdist's reader while it waits for input. Threads that run no Python code,
    such as those of a numerical library, may also wait for work: they hold no locks of Python.
    If the kernel does not report what threads wait for, there must be no other thread.

    Args:
        patience: For how many seconds such threads may go on working. The reader does so for a
            moment whenever a message arrives, which must not decide how a template is built.
    """
    own, native = threading.get_ident(), str(threading.get_native_id())
    deadline = time.monotonic() + patience
    while True:
        frames = [frame for ident, frame in sys._current_frames().items() if ident != own]
        if not all(str(frame.f_globals.get("__name__")).startswith(READER) for frame in frames):
            return False
        if not _is_readable(native):
            return not frames
        if _all_wait(native, len(frames)):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)


def _is_readable(thread: str) -> bool:
    """Whether the kernel reports what threads of this process wait for."""
    try:
        (THREADS / thread / "syscall").read_text()
    except OSError:
        return False
    return True


def _all_wait(native: str, readers: int) -> bool:
    """Whether every thread but one waits, and at least so many of them for input."""
    try:
        calls = [_system_call(file.name) for file in THREADS.iterdir() if file.name != native]
    except (OSError, ValueError):
        return False
    machine = platform.machine()
    reading = sum(call in INPUT.get(machine, ()) for call in calls)
    idle = sum(call == FUTEX.get(machine) for call in calls)
    return reading + idle == len(calls) and readers <= reading


def _system_call(thread: str) -> int:
    """The number of the system call that a thread is in.

    Raises:
        OSError: It has ended.
        ValueError: It is running.
    """
    return int((THREADS / thread / "syscall").read_text().split()[0])
