"""What past runs have measured, and what this run measures."""

from __future__ import annotations

import functools
import unittest
from collections.abc import Callable
from pathlib import Path

from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.events import TestPlace, TimingsLost
from ctest_containers.project.source_location import place_of_test
from ctest_containers.timings import Measured, Timings, TimingsFile
from ctest_containers.timings.store import default_path


class RunTimings:
    """The timings of a project, read once and written at the end of a run.

    Args:
        report: Called if they cannot be read or written.

    Attributes:
        path: The file.
        measured: What this run has measured.
    """

    def __init__(self, config: Config, report: Callable[[TimingsLost], None]) -> None:
        path = config.timings_file or default_path(project_of(config))
        self.path = Path(path)
        self._file = TimingsFile(self.path)
        self._report = report
        self.measured = Measured()

    @functools.cached_property
    def past(self) -> Timings:
        """What past runs have measured; read once, because another run may change it meanwhile."""
        timings, problem = self._file.read()
        self._report_problem(problem)
        return timings

    def place_of(self, test: unittest.TestCase, folder: Path) -> TestPlace:
        """Return where a test is defined, named relative to a folder, and its expected time."""
        known = self.past.tests.get(test.id())
        return place_of_test(test, folder, 0.0 if known is None else round(known.seconds, 4))

    def save(self) -> None:
        """Add what this run has measured."""
        self._report_problem(self._file.merge(self.measured))

    def _report_problem(self, problem: str) -> None:
        if problem:
            self._report(TimingsLost(reason=problem))
