"""Selects the tests that changes can reach, and says why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ctest_containers.impact.changes import Changes
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.search import Search, Units
from ctest_containers.usage.model import TEST


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The tests that run.

    Attributes:
        affected: Why each affected test runs, by its id; a test may have several reasons.
        everything: Why all tests run; empty if they need not.
        left: The ids of the tests that no change can reach.
    """

    affected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    everything: tuple[str, ...] = ()
    left: frozenset[str] = frozenset()

    @property
    def stale(self) -> dict[str, str]:
        """Why each recorded test that a change can reach is to run again later, if not now."""
        return {test: reasons[0] for test, reasons in self.affected.items()}


def select(
    tests: Iterable[str],
    units: Units,
    marks: Mapping[str, str],
    recorded: Inputs,
    changes: Changes,
) -> Selection:
    """Select the tests that changes can reach, those that are new, and those that are marked.

    Args:
        tests: The ids of the tests that exist.
        marks: Why a test runs whatever has changed, by its id.
    """
    ids = list(dict.fromkeys(tests))
    search = Search(units, recorded, changes)
    everything = tuple(changes.everything) or search.everything()
    if everything:
        return Selection(
            affected=dict.fromkeys(ids, everything), everything=everything, left=frozenset()
        )
    reasons: dict[str, list[str]] = defaultdict(list)
    for test in ids:
        if TEST + test not in units:
            reasons[test].append("has not been recorded")
        elif test in marks:
            reasons[test].append(marks[test])
    for test, reason in search.affected(ids):
        reasons[test].append(reason)
    affected = {test: tuple(dict.fromkeys(reasons[test])) for test in ids if test in reasons}
    return Selection(affected=affected, left=frozenset(ids) - affected.keys())
