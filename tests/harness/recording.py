"""A project's own test runner that writes every outcome to a file, whoever runs the tests."""

from __future__ import annotations

import json
import os
import unittest
from pathlib import Path
from typing import Any

from django.test.runner import DebugSQLTextTestResult, DiscoverRunner

VARIABLE = "RECORDED_OUTCOMES"


class RecordingMixin:
    """Notes each report: what on, how it ended, and the words that unittest prints for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recorded: list[tuple[str, str, str]] = []

    def _note(self, test: Any, kind: str, detail: str = "") -> None:
        self.recorded.append((str(test), kind, detail))

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)  # type: ignore[misc]
        self._note(test, "success")

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)  # type: ignore[misc]
        self._note(test, "error", self.errors[-1][1])  # type: ignore[attr-defined]

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)  # type: ignore[misc]
        self._note(test, "failure", self.failures[-1][1])  # type: ignore[attr-defined]

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)  # type: ignore[misc]
        self._note(test, "skip", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)  # type: ignore[misc]
        self._note(test, "expected failure", self.expectedFailures[-1][1])  # type: ignore[attr-defined]

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)  # type: ignore[misc]
        self._note(test, "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)  # type: ignore[misc]
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            reports = self.failures if failed else self.errors  # type: ignore[attr-defined]
            self._note(subtest, "subtest failure" if failed else "subtest error", reports[-1][1])

    def stopTestRun(self) -> None:
        super().stopTestRun()  # type: ignore[misc]
        outcomes = {"run": self.testsRun, "outcomes": sorted(self.recorded)}  # type: ignore[attr-defined]
        Path(os.environ[VARIABLE]).write_text(json.dumps(outcomes, indent=1))


class RecordingResult(RecordingMixin, unittest.TextTestResult):
    """Records what is printed."""


class RecordingDebugSQLResult(RecordingMixin, DebugSQLTextTestResult):
    """Records what is printed with --debug-sql."""


class RecordingRunner(DiscoverRunner):
    """Django's runner, recording."""

    def get_resultclass(self) -> type:
        return RecordingDebugSQLResult if self.debug_sql else RecordingResult
