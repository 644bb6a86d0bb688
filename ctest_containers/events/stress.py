"""Events of stress runs, in which the selected tests run again and again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StressProgressed:
    """A worker begins a test of a stress run; only a live display on a terminal uses this.

    Attributes:
        round_number: The round, counted from 1.
        of_rounds: How many rounds there will be; 0 if a duration was given.
        attempts: How many times a test has ended so far, in all rounds.
        failed: How many of these attempts failed.
    """

    worker: int
    test_id: str
    round_number: int
    of_rounds: int
    attempts: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StressFailure:
    """The attempts of a test that failed in the same way.

    Attributes:
        type_name: The class of the exception.
        message: The first line of its message.
        file: The file in the project's own code that caused it; empty if unknown.
        line: The line in this file.
        count: How many attempts failed in this way.
        rounds: The first rounds in which they did; the seed of round N is the run's seed + N - 1.
        text: The report of the first of them.
    """

    type_name: str
    message: str
    file: str
    line: int
    count: int
    rounds: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StressedTest:
    """A test, or a fixture of a class or module, that failed at least once.

    Attributes:
        test_id: The id of the test, or the fixture as unittest names it.
        passed: How many attempts passed; 0 for a fixture, of which only failures are reported.
        failures: The distinct failures, the most frequent first.
        further: How many attempts failed in further ways, if there are too many to list.
    """

    test_id: str
    passed: int
    failed: int
    skipped: int
    failures: tuple[StressFailure, ...]
    further: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StressDurations:
    """How long a test took. The median is accurate to 3 %, the other values are exact."""

    test_id: str
    min_seconds: float
    median_seconds: float
    max_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StressFinished:
    """The statistics of a stress run.

    Attributes:
        seed: The seed of the first round; each further round has the next number.
        rounds: How many rounds were run to their end.
        of_rounds: How many were asked for; 0 if a duration was given.
        attempts: How many times a test ended, in all rounds.
        failed: How many of these attempts failed.
        seconds: How long it took.
        tests: The tests that failed at least once, the least reliable first.
        durations: The slowest tests, and those whose durations vary most.
    """

    seed: int
    rounds: int
    of_rounds: int
    attempts: int
    failed: int
    seconds: float
    tests: tuple[StressedTest, ...]
    durations: tuple[StressDurations, ...]
