"""What the rounds of watch mode have found out."""

from __future__ import annotations

import os
from pathlib import Path

from ctest_containers.errors import ProjectError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.watching.failures import Failure, failures_of, last_line, passed_in
from ctest_containers.watching.round import Round


class Findings:
    """What is known about the tests from the rounds so far.

    Args:
        folder: The folder of the project.

    Attributes:
        failures: What failed when it last ran, by its label.
        modules: The known test modules, by their files.
        most_workers: The most workers that a round has had.
        run_error: Why the last round could not run its tests; empty if it could.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_first = True
        self.failures: dict[str, Failure] = {}
        self.modules: dict[str, str] = {}
        self.most_workers = 0
        self.run_error = ""

    def add(self, ended: Round) -> bool:
        """Add what a round has found out, and return whether its tests have run.

        Raises:
            ProjectError: Not even the first round could start.
        """
        self.failures = merged(self.failures, ended)
        self.most_workers = max(self.most_workers, ended.workers)
        for test, file in (ended.found or {}).items():
            name = file.removesuffix(".py").replace(os.sep, ".")
            if file and test.startswith(f"{name}."):
                self.modules[str(self._folder / file)] = name
        if ended.is_cancelled:
            return False
        has_run = ended.has_run or ended.exit_code == ExitCode.PASSED
        if not has_run:
            self.run_error = _why_not_run(ended)
            if self._is_first and ended.record.started is None:
                raise ProjectError(ended.printed().strip() or self.run_error)
        self._is_first = False
        return has_run


def merged(failures: dict[str, Failure], later: Round) -> dict[str, Failure]:
    """Return what failed when it last ran, after a round that has ended or still runs."""
    passed = set(passed_in(later.record))
    again = {failure.label: failure for failure in failures_of(later.record)}
    is_whole = later.has_run and not later.is_cancelled

    def has_gone(label: str) -> bool:
        if label in passed:
            return True
        is_asked = later.selection.labels is None or label in later.failed
        return is_whole and (is_asked or later.covers(label))

    left = {label: failure for label, failure in failures.items() if not has_gone(label)}
    return {**left, **again}


def _why_not_run(ended: Round) -> str:
    finished = ended.record.finished
    if finished is not None and finished.failure:
        return finished.failure
    return last_line(ended.printed()) or "The round ended unexpectedly."
