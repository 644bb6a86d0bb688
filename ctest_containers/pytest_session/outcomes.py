"""The outcomes of a session's tests, as far as they decide which tests run next time."""

from __future__ import annotations

from typing import Final

import pytest

FAILED: Final = "failed"
UNFINISHED: Final = "did not end"
UNRECORDED: Final = "was not recorded"
SKIPPED: Final = "was skipped"
"""Why a test runs again, whatever has changed."""


class Outcomes:
    """Collects them from reports; of a test that runs again, the last attempt counts.

    Attributes:
        marks: Why each test that has begun is to run again, by its nodeid; empty if it need not.
    """

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Add the report on a phase of a test."""
        test = report.nodeid
        if report.when == "setup" or test not in self.marks:
            self.marks[test] = UNFINISHED
        if report.outcome == "failed":
            self.marks[test] = FAILED
        elif self.marks[test] == FAILED:
            pass
        elif report.outcome == "skipped" and not hasattr(report, "wasxfail"):
            self.marks[test] = SKIPPED
        elif report.when == "teardown" and self.marks[test] == UNFINISHED:
            self.marks[test] = ""

    def has_ended(self, test: str) -> bool:
        """Return whether what a test has used is what it uses."""
        return self.marks.get(test) in {"", FAILED}
