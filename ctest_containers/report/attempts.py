"""Statistics of tests that run many times, in memory that does not grow with their number."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from ctest_containers.events import (
    Problem,
    StressDurations,
    StressedTest,
    StressFailure,
    TestOutcome,
)
from ctest_containers.report.record import UNEXPECTED, Status, status_of

STEP: Final = math.log(1.05)
"""Durations whose logarithms differ by less count as equal for the median."""

LEAST_SECONDS: Final = 1e-6

WAYS: Final = 10
"""How many distinct failures of a test are kept."""

ROUNDS: Final = 20
"""How many rounds are kept for each of them."""

TEXT_LENGTH: Final = 20_000
"""How much of a failure's report is kept, in characters; the end says what went wrong."""

LISTED: Final = 5
"""How many of the slowest tests, and how many of the most variable ones, are listed."""


@dataclass(slots=True)
class Durations:
    """How long a test took, as a histogram with steps of 5 %."""

    least: float = math.inf
    most: float = 0.0
    steps: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Count an attempt."""
        self.least, self.most = min(self.least, seconds), max(self.most, seconds)
        self.steps[math.floor(math.log(max(seconds, LEAST_SECONDS)) / STEP)] += 1

    @property
    def median(self) -> float:
        """The middle of the step that has the median, or 0 if there is no attempt."""
        half = (self.steps.total() - 1) // 2
        before = 0
        for step in sorted(self.steps):
            before += self.steps[step]
            if before > half:
                return min(max(math.exp((step + 0.5) * STEP), self.least), self.most)
        return 0.0


@dataclass(slots=True)
class Way:
    """One way in which a test fails."""

    text: str
    count: int = 0
    rounds: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Attempts:
    """What became of the attempts of one test."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    durations: Durations = field(default_factory=Durations)
    ways: dict[tuple[str, str, str, int], Way] = field(default_factory=dict)
    further: int = 0

    def fail(self, outcomes: Iterable[TestOutcome], round_number: int) -> None:
        """Count an attempt that failed."""
        self.failed += 1
        self.add_ways(outcomes, round_number)

    def add_ways(self, outcomes: Iterable[TestOutcome], round_number: int) -> None:
        """Note the ways in which an attempt failed."""
        ways = {_way(outcome): outcome for outcome in reversed(list(outcomes))}
        for key, outcome in reversed(ways.items()):
            way = self.ways.get(key)
            if way is None and len(self.ways) == WAYS:
                self.further += 1
                continue
            if way is None:
                way = self.ways[key] = Way(_text(outcome.problem))
            way.count += 1
            if len(way.rounds) < ROUNDS:
                way.rounds.append(round_number)


class Statistics:
    """The attempts of all tests and fixtures, by their ids."""

    def __init__(self) -> None:
        self.of: defaultdict[str, Attempts] = defaultdict(Attempts)
        self.attempts = self.failed = 0

    def add(self, outcomes: Iterable[TestOutcome], round_number: int, seconds: float) -> None:
        """Count an attempt of a test.

        Args:
            outcomes: What was reported on it; at least one.
        """
        outcomes = list(outcomes)
        attempts = self.of[outcomes[0].test_id]
        self.attempts += 1
        attempts.durations.add(seconds)
        bad = [outcome for outcome in outcomes if status_of(outcome).is_bad]
        if bad:
            self.failed += 1
            attempts.fail(bad, round_number)
        elif any(status_of(outcome) is Status.SKIPPED for outcome in outcomes):
            attempts.skipped += 1
        else:
            attempts.passed += 1

    def add_late(
        self, outcome: TestOutcome, round_number: int, *, passed: bool | None = None
    ) -> None:
        """Count a failure of a fixture, or one that is reported outside of an attempt.

        Args:
            passed: Whether the attempt it belongs to has been counted as passed; None if it
                belongs to none.
        """
        attempts = self.of[outcome.test_id]
        if passed is False:
            attempts.add_ways([outcome], round_number)
            return
        attempts.passed -= bool(passed)
        self.failed += outcome.index is not None
        self.attempts += outcome.index is not None and not passed
        attempts.fail([outcome], round_number)

    def failures(self) -> tuple[StressedTest, ...]:
        """Return the tests that failed at least once, the least reliable first."""
        bad = [(test_id, attempts) for test_id, attempts in self.of.items() if attempts.failed]
        bad.sort(key=lambda pair: -pair[1].failed / (pair[1].failed + pair[1].passed))
        return tuple(
            StressedTest(
                test_id=test_id,
                passed=attempts.passed,
                failed=attempts.failed,
                skipped=attempts.skipped,
                failures=_failures(attempts),
                further=attempts.further,
            )
            for test_id, attempts in bad
        )

    def durations(self) -> tuple[StressDurations, ...]:
        """Return the slowest tests, then those whose durations vary most."""
        rows = [
            StressDurations(
                test_id=test_id,
                min_seconds=round(attempts.durations.least, 4),
                median_seconds=round(attempts.durations.median, 4),
                max_seconds=round(attempts.durations.most, 4),
            )
            for test_id, attempts in self.of.items()
            if attempts.durations.steps
        ]
        slowest = sorted(rows, key=lambda row: -row.median_seconds)[:LISTED]
        varying = sorted(rows, key=lambda row: row.min_seconds - row.max_seconds)
        return (*slowest, *islice((row for row in varying if row not in slowest), LISTED))


def _way(outcome: TestOutcome) -> tuple[str, str, str, int]:
    problem = outcome.problem
    if problem is None:
        return (status_of(outcome).value, "", "", 0)
    first, *_ = problem.message.splitlines() or [""]
    if problem.type_name == "WorkerLost":
        first = re.sub(r"^Worker \d+ ", "The worker ", first)
    return (problem.type_name, first[:500], problem.file, problem.line)


def _text(problem: Problem | None) -> str:
    return UNEXPECTED if problem is None else problem.text[-TEXT_LENGTH:]


def _failures(attempts: Attempts) -> tuple[StressFailure, ...]:
    ways = sorted(attempts.ways.items(), key=lambda pair: -pair[1].count)
    return tuple(
        StressFailure(
            type_name=type_name,
            message=message,
            file=file,
            line=line,
            count=way.count,
            rounds=tuple(way.rounds),
            text=way.text,
        )
        for (type_name, message, file, line), way in ways
    )
