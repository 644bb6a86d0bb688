"""Selects the tests that failed when they last ran, and keeps those of this run for the next."""

from __future__ import annotations

import functools
import importlib
import os
import unittest
from collections.abc import Callable, Collection, Iterable, Sequence

from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.errors import NothingToRun
from ctest_containers.events import Event, FailedTestsChosen, ReportLost
from ctest_containers.history.last_failed import LastFailed, LastFailedFile, LastOutcomes
from ctest_containers.project.settings import VARIABLE
from ctest_containers.session.schedule import failed_first_in_classes
from ctest_containers.session.share import Share


class LastFailures:
    """The failures of a project, read once and written at the end of a run.

    Args:
        report: Called with what has been selected, and if the file cannot be written.
    """

    def __init__(self, config: Config, report: Callable[[Event], None]) -> None:
        self._config = config
        self._report = report
        self._file = LastFailedFile.of(project_of(config), os.environ.get(VARIABLE, ""))
        self._gone: Collection[str] = ()

    @functools.cached_property
    def _past(self) -> LastFailed | None:
        return self._file.read()

    def check(self) -> None:
        """Check that there is something to run.

        Raises:
            NothingToRun: Only failed tests are to run, and none is known.
        """
        if not self._config.failed:
            return
        if self._past is None:
            raise NothingToRun(
                "No run of this project with these settings is on record; nothing to run.",
                "Run the tests without --failed first.",
            )
        if not self._past.names:
            raise NothingToRun("No test failed in the last run; nothing to run.")

    def select(
        self,
        tests: Sequence[unittest.TestCase],
        share: Share,
        affected: Collection[str] | None,
    ) -> tuple[Sequence[unittest.TestCase], frozenset[str]]:
        """Return the tests that this job runs, and the ids of those that run first.

        Args:
            share: Divides the tests among jobs.
            affected: The ids of the tests that changes can reach; None to run all.

        Raises:
            NothingToRun: Only failed tests are to run, and there are none.
        """
        config = self._config
        if not (config.failed or config.failed_first):
            return share.of(tests, only=affected), frozenset()
        failed = self._among(tests)
        if config.shard is None:
            # Other jobs may know of other failures, and have to divide the same order.
            tests = failed_first_in_classes(tests, failed)
        mine = share.of(tests, only=failed if config.failed else affected)
        self._announce(mine, failed)
        return mine, failed

    def has_failed(self, test_id: str) -> bool:
        """Return whether a test failed when it last ran."""
        return (self._past or LastFailed()).has(test_id)

    def _among(self, tests: Iterable[unittest.TestCase]) -> frozenset[str]:
        """Return the ids of the tests that failed."""
        past = self._past or LastFailed()
        ids = [test.id() for test in tests]
        known = {name for test_id in ids for name in past.known_by(test_id)}
        self._gone = [name for name in sorted(past.names - known) if not exists(name)]
        return frozenset(test_id for test_id in ids if past.has(test_id))

    def _announce(self, tests: Sequence[unittest.TestCase], failed: Collection[str]) -> None:
        """Report which of the tests that this job runs failed.

        Raises:
            NothingToRun: Only those are to run, and there are none.
        """
        gone, only = len(self._gone), self._config.failed
        count = sum(test.id() in failed for test in tests)
        if only and not count:
            self.save(LastOutcomes())
            left = len((self._past or LastFailed()).names) - gone
            raise NothingToRun(_why_nothing(left, gone))
        if only or count or gone:
            self._report(FailedTestsChosen(failed=count, only=only, gone=gone))

    def save(self, outcomes: LastOutcomes) -> None:
        """Keep what failed, and what no longer does."""
        outcomes.gone = self._gone
        problem = self._file.update(outcomes)
        if problem:
            self._report(ReportLost(reason=problem))


def _why_nothing(left: int, gone: int) -> str:
    """Return why no failed test is run.

    Args:
        left: How many tests, classes and modules failed and exist.
        gone: How many no longer exist.
    """
    lost = f"{gone} that failed no longer {'exists' if gone == 1 else 'exist'}. " if gone else ""
    if not left:
        return f"{lost}No other test failed in the last run; nothing to run."
    failures = "The only failure" if left == 1 else f"None of the {left} failures"
    is_not = "is not" if left == 1 else "is"
    return f"{lost}{failures} of the last run {is_not} selected; nothing to run."


def exists(name: str) -> bool:
    """Return whether a test, class or module still exists; its module may fail to load."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        try:
            value: object = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if f"{module}.".startswith(f"{error.name}."):
                continue
            return True
        except Exception:  # noqa: BLE001  # Any code may run in there.
            return True
        for part in parts[end:]:
            try:
                value = getattr(value, part)
            except AttributeError:
                return False
        return True
    return False
