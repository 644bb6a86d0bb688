"""What happens to a run as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ctest_containers.events.tests import TestPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run has begun. Reports receive each event with the seconds that have passed since then.

    Attributes:
        run: Tells runs apart; in the names of the run's containers, too.
        started_at: The date and time in UTC, as ISO 8601 has them.
        startup_seconds: How long the process had existed by then.
        folder: Where it runs; files are named relative to it.
        arguments: The command line without its secrets.
        branch: What Git has checked out there; empty if that is not known.
    """

    run: str
    project: str
    started_at: str
    startup_seconds: float
    folder: str
    arguments: tuple[str, ...]
    branch: str
    toolkit: str
    python: str
    django: str
    platform: str


class Phase(str, Enum):
    """What a run does, one after another; it may come back to what it did before."""

    START_UP = "start-up"
    DISCOVERY = "discovery"
    FINGERPRINT = "fingerprint"
    TEMPLATE = "template"
    CONTAINERS = "containers"
    TESTS = "tests"
    CLEAN_UP = "clean-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """What the run did before has ended, and this begins."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsFound:
    """The tests of the run, by their places in it."""

    __test__ = False

    tests: tuple[TestPlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardChosen:
    """The run is one of several jobs that share the tests; from now on it has its part of them.

    Attributes:
        number: Which of the jobs it is, counted from 1.
        of: How many there are.
        places: The places of its tests among all, in the order in which it has them.
        total: How many tests all jobs have together.
        seconds: What is expected of its tests; 0 where nothing has been measured.
        total_seconds: The same of all tests.
        tests: A digest of the names of all tests, in their order.
        timings: A digest of what all tests are expected to take, and of how they are split.
    """

    number: int
    of: int
    places: tuple[int, ...]
    total: int
    seconds: float
    total_seconds: float
    tests: str
    timings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """Everything has ended and is removed; nothing more happens.

    Attributes:
        not_run: How many tests were not run, for the run has ended before its tests.
        failure: Why that was so; empty if it was not.
    """

    not_run: int
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """Nothing has happened for a moment; only what moves on a terminal takes notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersPlanned:
    """How many workers the run has, and what decided it.

    Attributes:
        limits: All that was considered: how many workers it allows, and why.
        expected_seconds: How long the tests are expected to take; 0 if that is not known.
    """

    workers: int
    reason: str
    limits: tuple[tuple[int, str], ...]
    warnings: tuple[str, ...]
    expected_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsInverted:
    """A time limit is not below the one above it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingsLost:
    """The timings of past runs could not be read, or those of this one not kept."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLost:
    """A report could not be written; the run goes on without it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimedOut:
    """All tests together took too long; none begins any more, and what runs is ended.

    Attributes:
        idle_only: Whether the limit counts from the end of the last test.
    """

    limit_seconds: float
    idle_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping:
    """No further test begins; some are still running."""

    tests: tuple[str, ...]
