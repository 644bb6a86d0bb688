"""Interrupts slow tests and fixtures from within the worker; `pool` kills what this cannot stop.

The parent watches the time of tests and fixtures, and sends a signal that nothing else uses:
SIGALRM and timers are left to the tests.
"""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from ctest_containers.limits import FixtureTimedOut, Limit, TestTimedOut
from ctest_containers.originals import ORIGINALS

_FIRST: Final = getattr(signal, "SIGRTMIN", None)

STACK_SIGNAL: Final[int | None] = (
    # A signal that no program uses; macOS has no real-time signals.
    _FIRST + 5 if _FIRST is not None else getattr(signal, "SIGUSR2", None)
)
"""On this signal a worker writes the stacks of all its threads to a file, even within C code."""

INTERRUPT_SIGNAL: Final[int | None] = (
    _FIRST + 6 if _FIRST is not None else getattr(signal, "SIGXCPU", None)
)
"""On this signal a worker raises an error in the test or the fixture whose time is up."""


def write_stacks_on_signal(file: Path) -> None:
    """Let `STACK_SIGNAL` write the stacks of all threads to a file."""
    if STACK_SIGNAL is not None:
        # Never closed: the signal may come at any time.
        faulthandler.register(STACK_SIGNAL, file=file.open("w"), all_threads=True)


REPORTING: Final = frozenset(
    {"ctest_containers.workers.recorder", "ctest_containers.wire", "ctest_containers.codec"}
)
"""Modules that report on tests."""

SENDING: Final = ("ctest_containers.workers.channel", "send")
"""The module and the name of the function that sends a report."""


@dataclass(slots=True)
class _Running:
    """What may be interrupted at the moment.

    Attributes:
        limit: Its time limit; None if it has none.
        begun: When it began, by `clock`.
        paused_since: Since when the time is paused, by the monotonic clock; None while it runs.
        paused_seconds: How long it was paused before, in the life of this process.
    """

    limit: Limit | None = None
    begun: float = 0.0
    is_fixture: bool = False
    paused_since: float | None = None
    paused_seconds: float = 0.0


_running: Final = _Running()


def interrupt_on_signal() -> None:
    """Let `INTERRUPT_SIGNAL` interrupt a test or fixture that has exceeded the limit of `begin`."""
    if INTERRUPT_SIGNAL is not None:
        signal.signal(INTERRUPT_SIGNAL, _interrupt)


def clock() -> float:
    """Return the time in seconds by a monotonic clock that stands still while it is `paused`."""
    since = _running.paused_since
    return (ORIGINALS.monotonic() if since is None else since) - _running.paused_seconds


def begin(limit: Limit | None, *, is_fixture: bool) -> None:
    """Start the time limit of a test or fixture."""
    _running.begun, _running.is_fixture = clock(), is_fixture
    _running.limit = limit


def end() -> None:
    """Stop the time limit, so that nothing is interrupted."""
    _running.limit = None


@contextmanager
def paused() -> Iterator[None]:
    """Stop `clock`, and with it the time limit, during the body; it may be used within itself."""
    if _running.paused_since is not None:
        yield
        return
    since = _running.paused_since = ORIGINALS.monotonic()
    try:
        yield
    finally:
        _running.paused_seconds += ORIGINALS.monotonic() - since
        _running.paused_since = None


@contextmanager
def limited(limit: Limit | None) -> Iterator[None]:
    """Limit the body, which is a fixture."""
    begin(limit, is_fixture=True)
    try:
        yield
    finally:
        end()


@contextmanager
def alarm(limit: Limit | None) -> Iterator[None]:
    """Raise in the main thread if the body exceeds a limit; for code that runs before all tests.

    A handler or a timer that the body has set stays. Progress is not watched here: of an
    `idle_only` limit, only `at_most` applies.

    Raises:
        FixtureTimedOut: The body took too long.
    """
    seconds = None if limit is None else limit.at_most if limit.idle_only else limit.seconds
    if seconds is None or not hasattr(signal, "setitimer"):
        yield
        return

    def strike(*_: Any) -> None:
        raise FixtureTimedOut(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGALRM) is strike:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number
    # The test or fixture that the signal was for may have ended meanwhile.
    limit, seconds = _running.limit, clock() - _running.begun
    if limit is None or seconds < limit.seconds or _running.paused_since is not None:
        return
    # An incomplete report would end the worker; the parent sends the signal again soon.
    if _is_reporting(frame):
        return
    _running.limit = None
    kind = FixtureTimedOut if _running.is_fixture else TestTimedOut
    raise kind(limit.exceeded(seconds))


def _is_reporting(frame: FrameType | None) -> bool:
    """Return whether the worker runs its own code that reports on a test, not the test itself."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name in REPORTING or (name, frame.f_code.co_name) == SENDING:
            return True
        if name == "unittest.case":
            return False
        frame = frame.f_back
    return False
