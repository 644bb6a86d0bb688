"""Guesses the test that changes the outcome of a target, by running the target among the others.

If the target runs after every few tests of a sequence, its first failure shows which of them may be
the cause. This takes far fewer trials than a search, but proves nothing: a run of the target may
itself leave something behind. A guess therefore counts only if a trial without further runs of the
target confirms it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

from ctest_containers.hunt.laboratory import Laboratory
from ctest_containers.hunt.search import divide
from ctest_containers.hunt.trial import Ending, Result

MOST_PROBES: Final = 32
"""How often the target runs in one trial."""

SHARE: Final = 0.25
"""How long all of these runs may take, as a share of the other tests' time."""

Tells = Callable[[Result, Result], bool]
"""Returns whether the second result is the failure that the first one, alone, is not."""


class Guess:
    """The guess for one target.

    Args:
        tells: Compares results of the target.

    Attributes:
        alone: The result of the target alone; None if it is not known.
        cause: The test that was guessed, once it is confirmed; empty if there is none.
        confirmation: The result of the target after that test.
    """

    def __init__(
        self, laboratory: Laboratory, target: str, alone: Result | None, tells: Tells
    ) -> None:
        self.alone = alone
        self.cause = ""
        self.confirmation: Result | None = None
        self._laboratory = laboratory
        self._target = target
        self._tells = tells

    def make(self, tests: Sequence[str]) -> None:
        """Run the target alone and among these tests, and confirm what that shows."""
        suspects, few = self._narrowed(tests), 2 * self._laboratory.workers
        if len(suspects) > few:
            suspects = self._narrowed(suspects)
        if not 0 < len(suspects) <= few or self.alone is None:
            return
        targets = [self._target] * len(suspects)
        sequences = [[name] for name in suspects]
        # If one of them is the cause, only its observation follows, and what that compares.
        trials = self._laboratory.run(sequences, targets, following=2)
        with closing(trials) as results:
            for position, result in results:
                if self._tells(self.alone, result):
                    self.cause, self.confirmation = suspects[position], result
                    return

    def _narrowed(self, tests: Sequence[str]) -> Sequence[str]:
        """Return the few tests before the first failure of the target; none if it never fails."""
        laboratory = self._laboratory
        pieces = _divided(laboratory, tests, min(laboratory.workers, len(tests)))
        probed = [_divided(laboratory, piece, self._probes(piece)) for piece in pieces]
        if self.alone is None:
            # In each trial, the target first runs alone, on new servers in a new process.
            probed = [[(), *parts] for parts in probed]
        with closing(laboratory.run_probed(probed, self._target)) as results:
            for position, number, result in results:
                suspects = probed[position][number]
                if not suspects:
                    self.alone = result
                    return ()
                self.alone = self.alone or Result(ending=Ending.PASSED)
                if self._tells(self.alone, result):
                    return suspects
        return ()

    def _probes(self, tests: Sequence[str]) -> int:
        """Return how often the target runs among these tests."""
        laboratory = self._laboratory
        if len(tests) <= MOST_PROBES // 2:
            return len(tests)
        seconds = sum(map(laboratory.seconds_of, tests))
        return max(1, min(MOST_PROBES, int(SHARE * seconds / laboratory.seconds_of(self._target))))


def _divided(laboratory: Laboratory, tests: Sequence[str], parts: int) -> list[Sequence[str]]:
    """Divide tests into consecutive parts that take about equally long."""
    weights = [laboratory.seconds_of(name) for name in tests]
    pieces = divide(tuple(range(len(tests))), weights, min(parts, len(tests)))
    return [[tests[index] for index in piece] for piece in pieces]
