"""The statistics of a stress run in words."""

from __future__ import annotations

from collections.abc import Iterator

from ctest_containers.events import StressedTest, StressFailure, StressFinished, StressProgressed
from ctest_containers.text import duration, plural

LISTED_ROUNDS = 5
"""How many rounds are named for each failure."""


def stress_lines(stress: StressFinished) -> Iterator[str]:
    """Yield the lines of the statistics for a terminal."""
    yield headline(stress)
    if stress.tests:
        yield "Flaky or failing:"
    for test in stress.tests:
        yield f"  {rate(test):>6}  {test.test_id} ({counts(test)})"
        for failure in test.failures:
            yield f"          {failure.count}x {what(failure)}"
            yield f"             in {rounds(failure, stress.seed)}"
        if test.further:
            yield f"          {test.further}x in further ways"
    if stress.tests:
        yield "To repeat a round, replace --stress by --shuffle SEED."
    if stress.durations:
        yield "Durations, as minimum, median and maximum:"
    for row in stress.durations:
        seconds = (row.min_seconds, row.median_seconds, row.max_seconds)
        yield f"  {' '.join(f'{duration(value):>9}' for value in seconds)}  {row.test_id}"


def headline(stress: StressFinished) -> str:
    """Return how much was run, and how much of it failed, in one sentence."""
    of = f"{stress.rounds} of {plural(stress.of_rounds, 'round')}"
    complete = of if stress.of_rounds else plural(stress.rounds, "round")
    failed = f", {stress.failed} failed" if stress.failed else ", none failed"
    return (
        f"Stress: {complete}, {plural(stress.attempts, 'test')} run{failed}, in "
        f"{duration(stress.seconds)} (seed of round 1: {stress.seed})."
    )


def rate(test: StressedTest) -> str:
    """Return the share of attempts that failed; `-` for a fixture, whose attempts are not known."""
    ended = test.passed + test.failed
    if not test.passed and " (" in test.test_id:
        return "-"
    return f"{100 * test.failed / ended:.3g} %"


def counts(test: StressedTest) -> str:
    """Return how many attempts ended in which way."""
    parts = [f"{test.failed} failed"]
    parts += [f"{test.passed} passed"] if test.passed else []
    parts += [f"{test.skipped} skipped"] if test.skipped else []
    return ", ".join(parts)


def what(failure: StressFailure) -> str:
    """Return a failure in one line."""
    message = f": {failure.message}" if failure.message else ""
    place = f" ({failure.file}:{failure.line})" if failure.file else ""
    return f"{failure.type_name}{message}{place}"


def rounds(failure: StressFailure, seed: int) -> str:
    """Return the rounds in which a failure occurred, each with its seed."""
    named = failure.rounds[:LISTED_ROUNDS]
    pairs = ", ".join(f"{number} (seed {seed + number - 1})" for number in named)
    more = failure.count - len(named)
    rest = f" and {more} more" if more > 0 else ""
    return f"{'round' if failure.count == 1 else 'rounds'} {pairs}{rest}"


def progress(stress: StressProgressed) -> str:
    """Return the round and the number of attempts, for a live display."""
    of = f" of {stress.of_rounds}" if stress.of_rounds else ""
    return f"round {stress.round_number}{of}, {plural(stress.attempts, 'test')}"
