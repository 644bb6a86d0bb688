"""Interrupts what takes too long, from within the worker; see `pool` for what cannot be."""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from ctest_containers.limits import FixtureTimedOut, TestTimedOut

STACK_SIGNAL: Final[int | None] = (
    # One that no program uses for anything; macOS has none of these.
    signal.SIGRTMIN + 5 if hasattr(signal, "SIGRTMIN") else getattr(signal, "SIGUSR2", None)
)
"""On this signal a worker writes down where all its threads are, even in the midst of C code."""


def tell_stack_on_signal(file: Path) -> None:
    """Let `STACK_SIGNAL` write the stacks of all threads to a file."""
    if STACK_SIGNAL is not None:
        # Never closed: the signal may come at any time.
        faulthandler.register(STACK_SIGNAL, file=file.open("w"), all_threads=True)


@contextmanager
def alarm(seconds: float | None, *, fixture: bool) -> Iterator[None]:
    """Raise in the main thread when the body takes longer than this."""
    set_alarm(seconds, fixture=fixture)
    try:
        yield
    finally:
        clear_alarm()


def set_alarm(seconds: float | None, *, fixture: bool) -> None:
    """Raise in the main thread after this time, unless it is cleared before."""
    if seconds is None or not hasattr(signal, "setitimer"):
        return

    def strike(number: int, frame: FrameType | None) -> None:
        del number, frame
        kind = FixtureTimedOut if fixture else TestTimedOut
        raise kind(f"took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def clear_alarm() -> None:
    """Let nothing strike any more."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
