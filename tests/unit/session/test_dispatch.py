"""Reports get every event, and none while a debugger has the terminal."""

from __future__ import annotations

from ctest_containers.errors import ReportError
from ctest_containers.events import (
    DebuggerClosed,
    DebuggerOpened,
    Event,
    Phase,
    PhaseStarted,
    ReportLost,
    TimePassed,
)
from ctest_containers.session.dispatch import Dispatch

OPENED = DebuggerOpened(worker=1, test_id="shop.tests.Cart.test_total")
CLOSED = DebuggerClosed(worker=1, seconds=2.0)


class Listener:
    """Remembers events and their times."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.times: list[float] = []

    def handle(self, event: Event, at: float) -> None:
        self.events.append(event)
        self.times.append(at)


class Broken:
    """Cannot write."""

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # A report's arguments.
        raise ReportError("The disk is full.")


def test_events_wait_while_a_debugger_has_the_terminal_and_keep_their_times() -> None:
    listener = Listener()
    dispatch = Dispatch([listener])
    meanwhile = PhaseStarted(phase=Phase.CLEAN_UP)

    dispatch(OPENED)
    dispatch(meanwhile)
    dispatch(TimePassed())
    during = list(listener.events)
    dispatch(CLOSED)

    assert during == [OPENED]
    assert listener.events == [OPENED, meanwhile, CLOSED]
    assert listener.times == sorted(listener.times)


def test_a_report_that_cannot_be_written_is_lost_once() -> None:
    listener = Listener()
    dispatch = Dispatch([Broken(), listener])

    dispatch(OPENED)
    dispatch(CLOSED)

    lost = ReportLost(reason="The disk is full.")
    assert [event for event in listener.events if isinstance(event, ReportLost)] == [lost]


def test_a_report_that_was_removed_gets_nothing_more() -> None:
    listener = Listener()
    dispatch = Dispatch([])

    dispatch.add(listener)
    dispatch(TimePassed())
    dispatch.remove(listener)
    dispatch(TimePassed())

    assert listener.events == [TimePassed()]
