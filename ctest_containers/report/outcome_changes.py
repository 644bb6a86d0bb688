"""Which tests fail, pass again or are flaky, compared with earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ctest_containers.report.record import RunRecord, Status

WHOLESALE_SHARE: Final = 0.5
WHOLESALE_TESTS: Final = 20
"""An earlier run in which a larger share of so many tests went bad says nothing on each of them."""


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """A test that went bad after it was good, or the other way round.

    Attributes:
        runs: For how many runs that it was in, this one included, it has been so.
    """

    test_id: str
    before: Status
    now: Status
    runs: int


@dataclass(frozen=True, slots=True)
class FlakyTest:
    """A test that ends well and badly, by turns.

    Attributes:
        statuses: How it ended, oldest run first; runs without it are left out.
        retried: In which of these, counted from 0, it needed more than one try.
        turns: How often it went from good to bad or back, between runs or within one.
    """

    test_id: str
    statuses: tuple[Status, ...]
    retried: tuple[int, ...]
    turns: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of a run against those of earlier runs; the tests of this run only."""

    failing: tuple[OutcomeChange, ...]
    fixed: tuple[OutcomeChange, ...]
    flaky: tuple[FlakyTest, ...]


def compare_outcomes(run: RunRecord, earlier: Sequence[RunRecord]) -> Outcomes:
    """Which tests went bad or good, and which do both by turns.

    The logs do not say which code was tested. So one turn from good to bad, or from bad to good, is
    taken for a change of the code; a test that went bad, good and bad again may be flaky, and so
    may one that passed after another try in the same run. Tests that were skipped are neither.

    Args:
        earlier: Oldest first. Runs in which about everything went bad do not count.
    """
    history: dict[str, list[tuple[Status, bool]]] = {
        test.place.test_id: [] for test in run.tests.values()
    }
    for record in [*(record for record in earlier if not _is_wholesale(record)), run]:
        seen = {
            test.place.test_id: (test.status, bool(test.retries or test.reruns))
            for test in record.tests.values()
            if test.status not in _NEITHER
        }
        for test_id in seen.keys() & history.keys():
            history[test_id].append(seen[test_id])
    ran = {test.place.test_id for test in run.tests.values() if test.status not in _NEITHER}
    failing, fixed, flaky = [], [], []
    for test_id, ends in history.items():
        suspect = _flaky(test_id, ends)
        if suspect is not None:
            flaky.append(suspect)
        elif test_id in ran:
            turn = _turn(test_id, [status for status, _ in ends])
            if turn is not None and turn.now.is_bad:
                failing.append(turn)
            elif turn is not None and turn.runs == 1:
                fixed.append(turn)
    return Outcomes(
        tuple(sorted(failing, key=lambda change: (change.runs, change.test_id))),
        tuple(sorted(fixed, key=lambda change: change.test_id)),
        tuple(
            sorted(
                flaky,
                key=lambda test: (-test.turns, -test.turns / len(test.statuses), test.test_id),
            )
        ),
    )


_NEITHER: Final = frozenset({Status.NOT_RUN, Status.SKIPPED})


def _is_wholesale(run: RunRecord) -> bool:
    ran = [test.status for test in run.tests.values() if test.status is not Status.NOT_RUN]
    bad = sum(status.is_bad for status in ran)
    return len(ran) >= WHOLESALE_TESTS and bad > WHOLESALE_SHARE * len(ran)


def _flaky(test_id: str, ends: Sequence[tuple[Status, bool]]) -> FlakyTest | None:
    bad = [status.is_bad for status, _ in ends]
    stretches = sum(bad[:1]) + sum(other and not first for first, other in pairwise(bad))
    saved = sum(tried and not status.is_bad for status, tried in ends)
    if stretches < 2 and not saved:
        return None
    turns = sum(first != other for first, other in pairwise(bad)) + saved
    statuses = tuple(status for status, _ in ends)
    retried = tuple(place for place, (_, tried) in enumerate(ends) if tried)
    return FlakyTest(test_id, statuses, retried, turns)


def _turn(test_id: str, statuses: Sequence[Status]) -> OutcomeChange | None:
    """The latest turn from good to bad or back."""
    now = statuses[-1]
    for runs, before in enumerate(reversed(statuses)):
        if before.is_bad != now.is_bad:
            return OutcomeChange(test_id, before, now, runs)
    return None
