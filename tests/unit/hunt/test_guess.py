"""A guess is confirmed in a trial of its own, or does not count."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from ctest_containers.hunt.guess import Guess
from ctest_containers.hunt.order import Failure
from ctest_containers.hunt.trial import Ending, Result

PASSED = Result(ending=Ending.PASSED)
FAILED = Result(ending=Ending.FAILED, failure=Failure(type_name="AssertionError"))


class Trials:
    """Runs a target that fails or not by what ran before it in the same trial.

    Args:
        fails: Returns whether it fails after these tests, among which it may be itself.
    """

    workers = 4

    def __init__(self, fails: Callable[[Sequence[str]], bool]) -> None:
        self._fails = fails
        self.count = 0

    def seconds_of(self, test_id: str) -> float:
        """Return the same for each test."""
        del test_id
        return 0.01

    def run(
        self, sequences: Sequence[Sequence[str]], targets: Sequence[str], *, following: int
    ) -> Generator[tuple[int, Result]]:
        """Run the target after each sequence."""
        del targets, following
        for position, sequence in enumerate(sequences):
            self.count += 1
            yield position, FAILED if self._fails(sequence) else PASSED

    def run_probed(
        self, sequences: Sequence[Sequence[Sequence[str]]], target: str
    ) -> Generator[tuple[int, int, Result]]:
        """Run the target after each part of the sequences."""
        for position, parts in enumerate(sequences):
            self.count += 1
            ran: list[str] = []
            for number, part in enumerate(parts):
                ran += part
                if self._fails(ran):
                    yield position, number, FAILED
                    break
                ran.append(target)
            else:
                yield position, len(parts) - 1, PASSED


def _guess(fails: Callable[[Sequence[str]], bool]) -> tuple[Guess, Trials]:
    trials: Any = Trials(fails)
    guess = Guess(trials, "target", None, lambda alone, result: alone.failure != result.failure)
    guess.make([f"test {number}" for number in range(1000)])
    return guess, trials


def test_a_single_cause_is_found_in_few_trials() -> None:
    guess, trials = _guess(lambda ran: "test 678" in ran)

    assert guess.cause == "test 678"
    assert guess.confirmation == FAILED
    assert guess.alone == PASSED
    assert trials.count <= 12


def test_two_causes_that_are_needed_together_are_not_guessed() -> None:
    guess, _ = _guess(lambda ran: {"test 3", "test 999"} <= {*ran})

    assert guess.cause == ""
    assert guess.alone == PASSED


def test_a_target_that_fails_after_itself_is_not_taken_for_a_cause() -> None:
    guess, _ = _guess(lambda ran: "target" in ran)

    assert guess.cause == ""


def test_nothing_is_guessed_if_the_target_fails_alone() -> None:
    guess, trials = _guess(lambda ran: "test 3" not in ran)

    assert (guess.cause, guess.alone) == ("", FAILED)
    assert trials.count == 1
