"""What a run is doing, on a terminal that can show it: what moves, and what stays above it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ctest_containers.events import (
    BatchFinished,
    DebuggerClosed,
    DebuggerOpened,
    Event,
    FixtureFinished,
    FixtureStarted,
    LeakDetected,
    Phase,
    PhaseStarted,
    RerunsEnded,
    RunFinished,
    ServerMeasured,
    ServerReady,
    StressProgressed,
    TestFinished,
    TestOutcome,
    TestStarted,
    WorkerLost,
    WorkersPlanned,
)
from ctest_containers.report import summary
from ctest_containers.report.doing import WIDE, Doing
from ctest_containers.report.messages import lines_of
from ctest_containers.report.output import WorkerOutput
from ctest_containers.report.record import RunRecord, Status, status_of
from ctest_containers.report.run_progress import RunProgress
from ctest_containers.text import without_controls

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

REFRESH_SECONDS: Final = 0.25
"""Between two pictures: often enough for the eye, and seldom enough for the machine."""

FAILURE_LINES: Final = 3
"""How much of an exception's message is shown at once; all of it follows at the end."""

STYLES: Final = {
    Status.ERROR: "bold red",
    Status.FAILED: "bold red",
    Status.UNEXPECTED_SUCCESS: "bold red",
    Status.FLAKY: "bold yellow",
}


class LiveReport:
    """A bar for the run and a line for each worker; failures and notes stay above them.

    It starts no thread, for the parent forks: a new picture is drawn when events come, and the
    pool sees to it that something comes several times a second.

    Args:
        run: The record of the run, which is up to date when this handles an event.
        console: Where it is drawn.
        say: Prints a line by its `logging` level while nothing moves: `DiscoverRunner.log`.
        output: What workers print, which would spoil the picture.
        slow_seconds: After how many seconds a running test is reported as slow.
    """

    def __init__(
        self,
        run: RunRecord,
        *,
        console: Console,
        say: Callable[[str, int], None],
        output: WorkerOutput,
        slow_seconds: float,
    ) -> None:
        self._run = run
        self._console = console
        self._say = say
        self._output = output
        self._slow_seconds = slow_seconds
        self._workers: dict[int, Doing] = {}
        self._above: list[Text] = []
        self._live: Live | None = None
        self._debugging_since: float | None = None
        self._drawn_at = float("-inf")
        self._progress = RunProgress(run)

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        match event:
            case TestStarted(worker=worker, test_id=test_id):
                self._begin(worker, test_id, at)
            case StressProgressed(worker=worker, test_id=test_id):
                self._progress.stress = event
                self._begin(worker, test_id, at)
            case FixtureStarted(worker=worker, fixture=fixture):
                self._begin(worker, fixture, at)
            case FixtureFinished(worker=worker):
                self._begin(worker, "", at)
            case TestOutcome():
                self._tell_failure(event)
            case TestFinished(worker=worker, index=index):
                self._begin(worker, "", at)
                self._progress.count(index)
            case RerunsEnded():
                self._note_flaky(event)
            case BatchFinished(worker=worker, memory_bytes=count) if count:
                self._doing(worker).memory_bytes = count
            case ServerReady(worker=worker, container=container):
                self._doing(worker).container = container
            case ServerMeasured(worker=worker, memory_bytes=count):
                self._doing(worker).server_bytes = count
            case BatchFinished() | LeakDetected():
                # The summary names the leaks.
                pass
            case WorkerLost(worker=worker):
                self._workers.pop(worker, None)
                self._tell(event)
            case WorkersPlanned():
                self._tell(event)
                self._start(event, at)
            case DebuggerOpened():
                self._make_way(at)
            case DebuggerClosed():
                self._come_back(at)
            case PhaseStarted(phase=Phase.CLEAN_UP):
                self.stop()
            case RunFinished():
                self.stop()
                self._tell(event)
                self._say(f"\n{summary.render(self._run)}".rstrip(), logging.INFO)
            case _:
                self._tell(event)
        self._draw(at)

    def stop(self) -> None:
        """Take away what moves; what has been printed above it stays."""
        if self._live is not None:
            live, self._live = self._live, None
            self._print_what_stays(live)
            live.update("", refresh=True)
            live.stop()

    def _make_way(self, at: float) -> None:
        """Leave the terminal to a debugger; what happens meanwhile is shown afterwards."""
        self._debugging_since = at
        if self._live is not None:
            self._print_what_stays(self._live)
            self._live.update("", refresh=True)
            self._live.stop()

    def _come_back(self, at: float) -> None:
        since, self._debugging_since = self._debugging_since, None
        for doing in self._workers.values():
            # Others may have waited for the terminal.
            doing.since += at - max(doing.since, at if since is None else since)
        if self._live is not None:
            self._live.start()
            self._console.show_cursor()

    def _start(self, planned: WorkersPlanned, at: float) -> None:
        from rich.live import Live

        if not planned.workers:
            return
        self._workers = {number: self._doing(number) for number in range(1, planned.workers + 1)}
        self._progress.begin(planned, at)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )
        self._live.start()
        # Whatever ends this process, the terminal keeps its cursor.
        self._console.show_cursor()

    def _doing(self, worker: int) -> Doing:
        return self._workers.setdefault(worker, Doing())

    def _begin(self, worker: int, what: str, at: float) -> None:
        doing = self._doing(worker)
        doing.what, doing.since, doing.is_slow = what, at, False

    def _note_flaky(self, ended: RerunsEnded) -> None:
        self._progress.count_flaky(ended)
        for name in ended.flaky:
            self._keep("FLAKY", STYLES[Status.FLAKY], f" {name}")

    def _tell(self, event: Event) -> None:
        for level, text in lines_of(event):
            if self._live is None:
                self._say(text, level)
            elif level >= logging.INFO:
                self._keep(text, "yellow" if level >= logging.WARNING else "")

    def _tell_failure(self, event: TestOutcome) -> None:
        status = status_of(event)
        if not status.is_bad:
            return
        name = event.test_id + (f" {event.subtest}" if event.subtest else "")
        self._keep(status.value.upper(), STYLES[status], f" {name}")
        problem = event.problem
        if problem is None:
            return
        message = f"{problem.type_name}: {problem.message}".splitlines()
        for line in message[:FAILURE_LINES]:
            self._keep(f"     {line}")
        if problem.file:
            self._keep(f"     {problem.file}:{problem.line}", "dim")

    def _keep(self, text: str, style: str = "", rest: str = "") -> None:
        """Add a line to what stays above what moves; printed with the next picture."""
        from rich.text import Text

        if self._live is not None:
            line = Text.assemble((without_controls(text), style), without_controls(rest))
            self._above.append(line)

    def _print_what_stays(self, live: Live) -> None:
        from rich.text import Text

        if output := self._output.news():
            self._above.append(Text.from_ansi(output.rstrip("\n")))
        if self._above:
            live.console.print(Text("\n").join(self._above), soft_wrap=True)
            self._above.clear()

    def _draw(self, at: float) -> None:
        if self._live is None or self._debugging_since is not None:
            return
        if at - self._drawn_at < REFRESH_SECONDS:
            return
        self._drawn_at = at
        self._mark_slow(at)
        self._print_what_stays(self._live)
        self._live.update(self._picture(at), refresh=True)

    def _mark_slow(self, at: float) -> None:
        for doing in self._workers.values():
            if doing.what and not doing.is_slow and at - doing.since >= self._slow_seconds:
                doing.is_slow = True
                self._keep(f"SLOW > {self._slow_seconds:g} s", "yellow", f" {doing.what}")

    def _picture(self, at: float) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        table = Table.grid(expand=True, padding=(0, 1))
        for justify in ("right", "right", "right"):
            table.add_column(no_wrap=True, justify=justify)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        is_wide = self._console.width >= WIDE
        if is_wide:
            table.add_column(no_wrap=True, justify="right", style="dim")
            table.add_column(no_wrap=True, justify="right", style="dim")
        for number, doing in sorted(self._workers.items()):
            if number:
                table.add_row(*doing.row(number, at, is_wide=is_wide))
        return Group(self._progress.bar(at), table)
