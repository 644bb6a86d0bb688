"""Collects which tests of a run failed, for the next one."""

from __future__ import annotations

import unittest
from collections.abc import Sequence

from ctest_containers.events import (
    Event,
    OutcomeKind,
    RerunsEnded,
    TestFinished,
    TestOutcome,
    TestRetried,
)
from ctest_containers.history.last_failed import UNLOADED, LastOutcomes
from ctest_containers.names import class_of, owner_of
from ctest_containers.report.record import status_of


class LastOutcomesReport:
    """Listens to the workers.

    Args:
        tests: The tests of the run by their place.
        flaky_fails: Whether a flaky test counts as failed.
    """

    def __init__(self, tests: Sequence[unittest.TestCase], *, flaky_fails: bool) -> None:
        self.outcomes = LastOutcomes()
        self._tests = tests
        self._flaky_fails = flaky_fails

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # It tells no times.
        """See `Report`."""
        outcomes = self.outcomes
        match event:
            case TestOutcome(index=None) if status_of(event).is_bad:
                outcomes.failed_owners.add(_owner(event.test_id))
            case TestOutcome(index=None, test_id=fixture, kind=OutcomeKind.SKIP):
                outcomes.skipped_owners.add(_owner(fixture))
            case TestOutcome(test_id=test_id) if status_of(event).is_bad:
                if test_id.startswith(UNLOADED):
                    outcomes.failed_owners.add(test_id.removeprefix(UNLOADED))
                else:
                    outcomes.failed.add(test_id)
            case TestFinished(index=index):
                outcomes.ended.add(self._tests[index].id())
            case TestRetried(test_id=test_id):
                outcomes.failed.discard(test_id)
            case RerunsEnded(flaky=flaky) if not self._flaky_fails:
                outcomes.failed.difference_update(flaky)
                outcomes.failed_owners.difference_update(map(_owner, flaky))
            case _:
                pass


def _owner(fixture: str) -> str:
    """Return the class or module of a fixture, or of a test after which its worker ended."""
    owner = owner_of(fixture)
    return class_of(owner.partition(" ")[2]) if " " in owner else owner
