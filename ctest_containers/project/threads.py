"""Decides whether a process with several threads may be forked.

A forked process has only the thread that forked, and a copy of every lock. A lock that another
thread holds at that moment is never released in the copy.
"""

from __future__ import annotations

import platform
import sys
import threading
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


def may_fork() -> bool:
    """Whether no other thread of this process can hold a lock that its fork needs.

    This holds for pytest-xdist's reader while it waits for input. Threads that run no Python code,
    such as those of a numerical library, may also wait for work: they hold no locks of Python.
    If the kernel does not report what threads wait for, there must be no other thread.
    """
    own = threading.get_ident()
    frames = [frame for ident, frame in sys._current_frames().items() if ident != own]
    if not all(str(frame.f_globals.get("__name__")).startswith(READER) for frame in frames):
        return False
    machine, native = platform.machine(), str(threading.get_native_id())
    try:
        calls = [_system_call(file.name) for file in THREADS.iterdir() if file.name != native]
    except ValueError:
        return False
    except OSError:
        return not frames
    reading = sum(call in INPUT.get(machine, ()) for call in calls)
    idle = sum(call == FUTEX.get(machine) for call in calls)
    return reading + idle == len(calls) and len(frames) <= reading


def _system_call(thread: str) -> int:
    """The number of the system call that a thread is in.

    Raises:
        OSError: It has ended, or the kernel does not tell.
        ValueError: It is running.
    """
    return int((THREADS / thread / "syscall").read_text().split()[0])
