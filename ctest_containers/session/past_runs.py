"""What past runs have left about the tests: it decides which run, and this run adds to it."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctest_containers.errors import NothingToRun
from ctest_containers.events import Event, RunStarted
from ctest_containers.session.last_failures import LastFailures
from ctest_containers.session.listening import Listeners
from ctest_containers.session.request import RunRequest
from ctest_containers.session.share import Share
from ctest_containers.session.worker_config import records

if TYPE_CHECKING:
    from ctest_containers.session.affected import AffectedTests, Reaches
    from ctest_containers.session.run_recording import RunRecording


class PastRuns:
    """The last failures of a project, and the recording of what its tests use.

    Args:
        timings: The file of timings, which the recording is beside.
        report: Called with what has been selected, and if a file cannot be read or written.
        reaches: Compares databases.

    Attributes:
        first: The ids of tests that run before the others.
    """

    def __init__(
        self,
        request: RunRequest,
        timings: Path,
        report: Callable[[Event], None],
        reaches: Reaches,
    ) -> None:
        config = request.config
        self._request = request
        self._recording: RunRecording | None = None
        self._affected: AffectedTests | None = None
        if records(config) or config.affected is not None:
            # Other runs do not need what these import.
            from ctest_containers.session.run_recording import RunRecording
            from ctest_containers.usage.store import RecordingFile

            self._recording = RunRecording(config, RecordingFile.beside(timings), report)
            if config.affected is not None:
                from ctest_containers.session.affected import AffectedTests

                self._affected = AffectedTests(config, self._recording, report, reaches)
        self._last_failures = LastFailures(config, report)
        self.first: frozenset[str] = frozenset()

    def check(self) -> None:
        """Check that there is something to run.

        Raises:
            NothingToRun: Only failed tests are to run, and none is known.
        """
        self._last_failures.check()

    def begin(self, started: RunStarted) -> None:
        """Note when the run began."""
        if self._recording is not None:
            self._recording.begin(started)

    def select(
        self, tests: Sequence[unittest.TestCase], share: Share
    ) -> Sequence[unittest.TestCase]:
        """Return the tests that this job runs, if others run some, or only some are to run.

        Raises:
            NothingToRun: No test that failed, or that is affected, is among them.
            UsageError: Affected tests are asked for since a revision that does not exist.
        """
        affected = None
        if self._recording is not None:
            self._recording.discovered(map(type, tests))
        if self._affected is not None:
            affected = self._affected.select(tests, self._last_failures.has_failed)
        mine, self.first = self._last_failures.select(tests, share, affected)
        if affected is not None and not mine:
            from ctest_containers.session.affected import check_project

            check_project()
            raise NothingToRun("No affected test is in this shard; nothing to run.")
        return mine

    def add(self, listeners: Listeners, tests: Sequence[unittest.TestCase]) -> None:
        """Add what the run's listeners have heard.

        Args:
            tests: The tests that the run was to run.
        """
        config, outcomes = self._request.config, listeners.outcomes
        self._last_failures.save(outcomes)
        leaves_none_out = not config.failed and config.affected is None
        selects_all = self._request.selects_all and leaves_none_out
        if self._recording is not None and listeners.usage is not None:
            ids = [test.id() for test in tests]
            self._recording.collected(listeners.usage, ids, outcomes, selects_all=selects_all)

    def save(self, schemas: Mapping[str, Any]) -> None:
        """Write the recording.

        Args:
            schemas: What the databases contain before the first test, by alias.
        """
        if self._recording is not None:
            self._recording.save(schemas)
