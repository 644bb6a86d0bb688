"""Interrupts what takes too long, from within the worker; see `pool` for what cannot be.

The parent watches the time of tests and fixtures, and sends a signal that nobody else uses: SIGALRM
and the timers belong to the tests.
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
    # One that no program uses for anything; macOS has none of these.
    _FIRST + 5 if _FIRST is not None else getattr(signal, "SIGUSR2", None)
)
"""On this signal a worker writes down where all its threads are, even in the midst of C code."""

INTERRUPT_SIGNAL: Final[int | None] = (
    _FIRST + 6 if _FIRST is not None else getattr(signal, "SIGXCPU", None)
)
"""On this signal a worker raises an error in the test or the fixture whose time is up."""


def tell_stack_on_signal(file: Path) -> None:
    """Let `STACK_SIGNAL` write the stacks of all threads to a file."""
    if STACK_SIGNAL is not None:
        # Never closed: the signal may come at any time.
        faulthandler.register(STACK_SIGNAL, file=file.open("w"), all_threads=True)


REPORTING: Final = frozenset(
    {"ctest_containers.workers.recorder", "ctest_containers.wire", "ctest_containers.codec"}
)
"""Modules that make a report of what happens."""

SENDING: Final = ("ctest_containers.workers.channel", "send")
"""The module and the name of the function that sends it."""


@dataclass(slots=True)
class _Running:
    """What may be interrupted at the moment.

    Attributes:
        limit: The time that it has; None where nothing is limited.
        begun: When that began, by the monotonic clock.
    """

    limit: Limit | None = None
    begun: float = 0.0
    is_fixture: bool = False


_running: Final = _Running()


def interrupt_on_signal() -> None:
    """Let `INTERRUPT_SIGNAL` interrupt what `begin` has been told of, once its time is up."""
    if INTERRUPT_SIGNAL is not None:
        signal.signal(INTERRUPT_SIGNAL, _interrupt)


def begin(limit: Limit | None, *, is_fixture: bool) -> None:
    """Start the time limit of a test or fixture."""
    _running.begun, _running.is_fixture = ORIGINALS.monotonic(), is_fixture
    _running.limit = limit


def end() -> None:
    """Stop the time limit: nothing is interrupted any more."""
    _running.limit = None


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
    """Raise in the main thread when the body takes longer; for what comes before all tests.

    A handler or a timer that the body has set stays. Nobody watches its progress here: a idle_only
    limit strikes when the body has taken all that it may take with progress.

    Raises:
        FixtureTimedOut: It did.
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
    # What the signal was meant for may have ended meanwhile.
    limit, seconds = _running.limit, ORIGINALS.monotonic() - _running.begun
    if limit is None or seconds < limit.seconds:
        return
    # A report that is sent in half would end the worker; the parent asks again soon.
    if _is_reporting(frame):
        return
    _running.limit = None
    kind = FixtureTimedOut if _running.is_fixture else TestTimedOut
    raise kind(limit.exceeded(seconds))


def _is_reporting(frame: FrameType | None) -> bool:
    """Whether the worker is in its own code that reports on a test, and not in the test itself."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name in REPORTING or (name, frame.f_code.co_name) == SENDING:
            return True
        if name == "unittest.case":
            return False
        frame = frame.f_back
    return False
