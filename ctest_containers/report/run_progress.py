"""How far a run is, as the first line of the live display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctest_containers.events import RerunsEnded, StressProgressed, WorkersPlanned
from ctest_containers.report.doing import whole_seconds
from ctest_containers.report.record import RunRecord
from ctest_containers.report.stress import progress
from ctest_containers.text import plural

if TYPE_CHECKING:
    from rich.console import RenderableType


class RunProgress:
    """How many tests have ended, and how many of them failed.

    Args:
        run: The record of the run, which is up to date when this counts a test.

    Attributes:
        stress: The progress of a stress run; None in other runs.
    """

    def __init__(self, run: RunRecord) -> None:
        self.stress: StressProgressed | None = None
        self._run = run
        self._ended: set[int] = set()
        self._failed: set[int] = set()
        self._flaky = 0
        self._since = 0.0
        self._expected_seconds = 0.0

    def begin(self, planned: WorkersPlanned, at: float) -> None:
        """Note when the workers started, and how long they are expected to take."""
        self._since = at
        self._expected_seconds = planned.expected_seconds

    def count(self, index: int) -> None:
        """Count a test that has ended."""
        self._ended.add(index)
        if index in self._run.tests and self._run.tests[index].status.is_bad:
            self._failed.add(index)

    def count_flaky(self, ended: RerunsEnded) -> None:
        """Count tests that passed in a rerun as flaky instead of failed."""
        tests = (self._run.tests.get(index) for index in ended.indices)
        self._failed -= {test.index for test in tests if test and not test.status.is_bad}
        self._flaky += len(ended.flaky)

    def bar(self, at: float) -> RenderableType:
        """Return the line.

        Args:
            at: The time, in seconds since the run began.
        """
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        total = len(self._run.tests)
        elapsed = at - self._since
        bar = Table.grid(expand=True, padding=(0, 1))
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True, justify="right")
        count, failed = len(self._ended), len(self._failed)
        ended, done = f"{count}/{total}", count / (total or 1)
        if (stress := self.stress) is not None:
            ended, failed = progress(stress), stress.failed
            done = elapsed / (self._expected_seconds or 1)
            if stress.of_rounds:
                done = stress.attempts / (total * stress.of_rounds)
        counts = Text.assemble(
            (ended, "bold"),
            (f", {plural(failed, 'failure')}" if failed else "", "bold red"),
            (f", {self._flaky} flaky" if self._flaky else "", "bold yellow"),
        )
        times = f"{whole_seconds(elapsed)}{self._left(elapsed)}"
        bar.add_row(counts, ProgressBar(total=1, completed=done), times)
        return bar

    def _left(self, elapsed: float) -> str:
        """Return how much time is left, judging by past runs."""
        left = round(self._expected_seconds - elapsed)
        return f", about {whole_seconds(left)} left" if left > 0 else ""
