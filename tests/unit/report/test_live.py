"""What moves on the terminal says what is going on, and leaves only what stays true."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from harness.golden import LOG
from rich.console import Console
from unit.report.making import STARTED, events_of_test

from ctest_containers.events import (
    DebuggerClosed,
    DebuggerOpened,
    Event,
    OutcomeKind,
    Phase,
    PhaseStarted,
    RunFinished,
    ServerReady,
    StressProgressed,
    TestPlace,
    TestsFound,
    TestStarted,
    TimePassed,
    WorkersPlanned,
)
from ctest_containers.history.store import read
from ctest_containers.report.live import LiveReport
from ctest_containers.report.output import WorkerOutput
from ctest_containers.report.recording import Recording

PLANNED = WorkersPlanned(
    workers=2, reason="2 cores", limits=(), warnings=(), expected_seconds=100.0
)


class Screen:
    """A run that is shown on a terminal of so many columns."""

    def __init__(self, columns: int = 80, slow_seconds: float = 10.0) -> None:
        self.written = io.StringIO()
        self.said: list[str] = []
        self.output = WorkerOutput()
        self._recording = Recording()
        console = Console(
            file=self.written, width=columns, force_terminal=True, color_system="truecolor"
        )
        self._live = LiveReport(
            self._recording.run,
            console=console,
            say=lambda text, _: self.said.append(text),
            output=self.output,
            slow_seconds=slow_seconds,
        )
        self._at = 0.0

    def show(self, *events: Event, seconds: float = 1.0) -> str:
        """Let these happen one after another, and give what they made it write."""
        before = len(self.written.getvalue())
        for event in events:
            self._at += seconds
            self._recording.handle(event, self._at)
            self._live.handle(event, self._at)
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.written.getvalue()[before:])

    def begin(self, tests: int = 4) -> None:
        """Begin a run of two workers."""
        names = [f"shop.tests.Cart.test_{number}" for number in range(tests)]
        self.show(STARTED, TestsFound(tests=tuple(TestPlace(test_id=one) for one in names)))
        self.show(PLANNED)


def test_each_worker_has_a_line_with_its_test_and_since_when() -> None:
    screen = Screen()
    screen.begin()

    shown = screen.show(
        TestStarted(worker=1, index=0, test_id="shop.tests.Cart.test_0"), TimePassed(), TimePassed()
    )

    last = shown.rstrip().splitlines()[-3:]
    assert re.match(r"0/4 .*about 9\d|0/4 .*1 min", last[0])
    assert re.match(r"worker 1 +2 s shop\.tests\.Cart\.test_0", last[1])
    assert re.match(r"worker 2 +waiting", last[2])


def test_a_wide_terminal_shows_containers_too() -> None:
    ready = ServerReady(
        worker=1, group="postgresql", container="ctest-1-w1", version="17", seconds=0.3
    )
    for columns, expected in ((160, True), (80, False)):
        screen = Screen(columns)
        screen.begin()

        shown = screen.show(ready, TimePassed())

        assert ("ctest-1-w1" in shown) == expected


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    screen = Screen(columns)
    screen.begin()
    name = "shop.tests.Cart.test_" + "long_" * 60

    shown = screen.show(TestStarted(worker=1, index=0, test_id=name), TimePassed())

    assert max(map(len, shown.splitlines())) <= columns


def test_a_failure_is_told_at_once_with_its_assertion_and_place() -> None:
    screen = Screen()
    screen.begin()

    shown = screen.show(
        *events_of_test(0, "shop.tests.Cart.test_0", OutcomeKind.FAILURE, text="1"), TimePassed()
    )

    assert "FAILED shop.tests.Cart.test_0\n     1: 1\n     1:7\n" in shown
    assert "1/4, 1 failure" in shown


def test_a_slow_test_is_named_once_while_it_runs() -> None:
    screen = Screen(slow_seconds=3.0)
    screen.begin()

    shown = screen.show(
        TestStarted(worker=1, index=0, test_id="shop.tests.Cart.test_0"), *[TimePassed()] * 9
    )

    assert shown.count("SLOW > 3 s shop.tests.Cart.test_0") == 1


def test_what_workers_print_stands_above_what_moves(tmp_path: Path) -> None:
    screen = Screen()
    file = screen.output.keep_in(tmp_path)
    screen.begin()

    with file.open("a") as output:
        output.write("printed by [a test]\n")

    assert "printed by [a test]\n" in screen.show(TimePassed())


def test_nothing_that_moves_is_left_when_the_tests_have_ended() -> None:
    screen = Screen()
    screen.begin()
    screen.show(TimePassed())

    screen.show(PhaseStarted(phase=Phase.CLEAN_UP))
    after = screen.show(TimePassed(), RunFinished(not_run=0, failure=""))

    assert after == ""
    assert "Workers: 2 workers (2 cores)" in screen.said[-1]
    assert screen.written.getvalue().count("\x1b[?25h") >= 2


def test_nothing_is_drawn_more_often_than_an_eye_sees() -> None:
    screen = Screen()
    screen.begin()

    quick = screen.show(*[TimePassed()] * 100, seconds=0.01)

    assert quick.count("worker 1") <= 5


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    screen.begin()

    screen.show(*events_of_test(0, "shop.tests.Cart.test_0", OutcomeKind.FAILURE, text="1"))

    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", screen.written.getvalue())


def test_the_whole_recorded_run_can_be_shown() -> None:
    screen = Screen()

    for _, event in read(LOG):
        screen.show(event)

    assert "UNEXPECTED SUCCESS library.test_shop.Orders.test_is_said_to_fail" in re.sub(
        r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.written.getvalue()
    )


def test_a_stress_run_shows_its_round_and_how_many_attempts_failed() -> None:
    screen = Screen()
    screen.begin()
    begun = StressProgressed(
        worker=1, test_id="shop.Cart.test_0", round_number=3, of_rounds=9, attempts=11, failed=2
    )

    shown = screen.show(begun, TimePassed())

    last = shown.rstrip().splitlines()[-3:]
    assert last[0].startswith("round 3 of 9, 11 tests, 2 failures")
    assert "shop.Cart.test_0" in last[1]


def test_the_display_makes_way_for_a_debugger_and_its_time_makes_no_test_slow() -> None:
    screen = Screen(slow_seconds=10.0)
    screen.begin()
    begun = TestStarted(worker=1, index=0, test_id="shop.tests.Cart.test_0")

    screen.show(begun, TimePassed())
    gone = screen.show(DebuggerOpened(worker=1, test_id=begun.test_id))
    meanwhile = TestStarted(worker=2, index=1, test_id="shop.tests.Cart.test_1")
    during = screen.show(meanwhile, TimePassed(), seconds=20.0)
    after = screen.show(DebuggerClosed(worker=1, seconds=60.0), TimePassed())

    assert not gone.strip()
    assert not during
    assert "SLOW" not in after
    assert re.search(r"worker 1 +\d s shop", after)
