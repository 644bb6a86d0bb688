"""What a report format is: its options, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.report.api import Report
from ctest_containers.report.files import Output
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import Recording

SECTION: Final = "reports"
"""The section of the options that a format has."""


@dataclass(slots=True, kw_only=True)
class ReportContext:
    """What a run's reports are made from, besides their options.

    Attributes:
        project: The project's name.
        log: Prints a line by its `logging` level: `DiscoverRunner.log`.
        recordings: Records the run, once a report has asked for its record.
    """

    project: str
    log: Callable[[str, int], None]
    recordings: list[Recording] = field(default_factory=list)

    @property
    def run(self) -> RunRecord:
        """The record of the run, which is complete up to an event before a report handles it."""
        if not self.recordings:
            self.recordings.append(Recording())
        return self.recordings[0].run


class ReportFormat:
    """A format: a frozen dataclass of its options, registered as a base of `ReportOptions`."""

    def outputs(self) -> Iterable[Output]:
        """The files that the options ask for, which are made from the record of a run.

        Raises:
            UsageError: One cannot be written, or its format needs a package that is missing.
        """
        return ()

    def reports(self, context: ReportContext) -> Iterable[Report]:  # noqa: ARG002
        """The reports that the options and the environment ask for.

        Raises:
            UsageError: One needs a package that is missing.
            ReportError: One cannot be written.
        """
        return ()
