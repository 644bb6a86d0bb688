"""What listens to the workers of a run, besides its reports."""

from __future__ import annotations

import unittest
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ctest_containers.config import Config
from ctest_containers.history.last_failed import LastOutcomes
from ctest_containers.report import Report
from ctest_containers.report.last_outcomes import LastOutcomesReport
from ctest_containers.report.replay import ReplayReport
from ctest_containers.report.timings import TimingsReport
from ctest_containers.report.verdicts import VerdictReport
from ctest_containers.session.worker_config import records
from ctest_containers.timings import Measured

if TYPE_CHECKING:
    from ctest_containers.report.usage import UsageReport


class Listeners:
    """Feeds the result of unittest, and collects what the next run needs.

    Args:
        result: The result of the parent's run.
        tests: The tests of the run by their place.

    Attributes:
        usage: What the tests use; None if the run does not record it.
    """

    def __init__(
        self, config: Config, result: unittest.TestResult, tests: Sequence[unittest.TestCase]
    ) -> None:
        replay = ReplayReport(result, tests)
        self._verdicts = VerdictReport(replay) if config.rerun else None
        self._timings = TimingsReport()
        self._outcomes = LastOutcomesReport(tests, flaky_fails=config.flaky == "fail")
        self.usage: UsageReport | None = None
        first = self._verdicts or replay
        self.reports: list[Report] = [first, self._timings, self._outcomes]
        if records(config):
            # Other runs do not need what it imports.
            from ctest_containers.report.usage import UsageReport

            self.usage = UsageReport()
            self.reports.append(self.usage)

    def finish(self) -> None:
        """Pass on what was held back, because no more tests run."""
        if self._verdicts is not None:
            self._verdicts.finish()

    @property
    def flaky(self) -> Mapping[str, str]:
        """The first failure of each flaky test and fixture, by its name."""
        return {} if self._verdicts is None else self._verdicts.flaky

    @property
    def measured(self) -> Measured:
        """How long tests, fixtures and classes took."""
        return self._timings.measured

    @property
    def outcomes(self) -> LastOutcomes:
        """Which tests failed."""
        return self._outcomes.outcomes
