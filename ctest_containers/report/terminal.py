"""What a person sees of a run on the terminal: lines, or a picture that moves."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from ctest_containers.options.option import option
from ctest_containers.options.values import parse_flag, parse_seconds
from ctest_containers.report.api import Report
from ctest_containers.report.console import ConsoleReport
from ctest_containers.report.format import SECTION, ReportContext
from ctest_containers.report.output import WorkerOutput


@dataclass(frozen=True, kw_only=True)
class TerminalOptions:
    """Options for the terminal."""

    progress: bool | None = option(
        None,
        parse_flag,
        "",
        "Show on the terminal what each worker is doing. On by default with -v 1, on a terminal "
        "that supports it, except in CI.",
        section=SECTION,
    )
    slow_after: float = option(
        10.0,
        parse_seconds,
        "SECONDS",
        "Report a running test as slow after this many seconds.",
        section=SECTION,
    )

    def terminal_report(
        self, context: ReportContext, *, may_move: bool
    ) -> tuple[Report, WorkerOutput | None]:
        """The report for the terminal, and where workers print; None for where the parent does.

        Args:
            may_move: Whether the terminal may show a picture that moves.
        """
        if not (may_move and self._wants_picture()):
            return ConsoleReport(context.log), None
        from rich.console import Console

        from ctest_containers.report.live import LiveReport

        output = WorkerOutput()
        report = LiveReport(
            context.run,
            console=Console(stderr=True, force_terminal=self.progress),
            say=context.log,
            output=output,
            slow_seconds=self.slow_after,
        )
        return report, output

    def _wants_picture(self) -> bool:
        if self.progress is not None:
            return self.progress
        if os.environ.get("CI") or os.environ.get("TERM", "dumb") in {"", "dumb"}:
            return False
        return sys.stdout.isatty() and sys.stderr.isatty()
