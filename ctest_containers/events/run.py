"""Events of a run as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ctest_containers.events.tests import TestPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run has begun. Reports receive each event with the seconds since then.

    Attributes:
        run: The run's id, which is part of the names of its containers.
        started_at: The date and time in UTC, in the format of ISO 8601.
        startup_seconds: How long the process had existed by then.
        folder: The folder it runs in; file names are relative to it.
        arguments: The command line, without secrets.
        branch: The Git branch that is checked out there; empty if unknown.
        toolkit: The version of ctest-containers.
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
    """The phases of a run, in their order; a run may return to an earlier phase."""

    START_UP = "start-up"
    DISCOVERY = "discovery"
    FINGERPRINT = "fingerprint"
    TEMPLATE = "template"
    CONTAINERS = "containers"
    TESTS = "tests"
    CLEAN_UP = "clean-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """A phase of the run begins, and the previous one has ended."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsFound:
    """The tests of the run have been found.

    Attributes:
        tests: All tests; the position of a test is its index in other events.
    """

    __test__ = False

    tests: tuple[TestPlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardChosen:
    """The run has chosen its part of tests that several jobs share.

    Attributes:
        number: The number of this job, counted from 1.
        of: How many jobs there are.
        places: The indices of its tests among all tests, in the order in which it has them.
        total: How many tests all jobs have together.
        seconds: How long its tests are expected to take; 0 if nothing has been measured.
        total_seconds: How long all tests are expected to take.
        tests: A digest of the names of all tests, in their order.
        timings: A digest of how long all tests are expected to take, and of how they are split.
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
class FailedTestsChosen:
    """The run has looked up which of its tests failed when they last ran.

    Attributes:
        failed: How many of its tests did.
        only: Whether it runs no others.
        gone: How many tests, classes and modules that failed no longer exist.
    """

    failed: int
    only: bool
    gone: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedTestsChosen:
    """The run has found out which tests changes can reach, and runs only those.

    Attributes:
        affected: How many tests are affected, are new, or failed when they last ran.
        not_affected: How many are not, so that they do not run.
        everything: Why all tests may be affected; empty if they need not be.
        revision: The revision in Git with which the files were compared; empty for the last
            recording.
    """

    affected: int
    not_affected: int
    everything: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run has ended, and everything is removed. This is the last event.

    Attributes:
        not_run: How many tests were not run, because the run ended early.
        failure: Why the run ended early; empty if it did not.
        flaky_fails: Whether the run fails if a test is flaky.
    """

    not_run: int
    failure: str
    flaky_fails: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """Nothing has happened for a moment; only a live display on a terminal uses this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersPlanned:
    """The number of workers of the run has been decided.

    Attributes:
        reason: What decided it.
        limits: Every limit that was considered: how many workers it allows, and why.
        warnings: What a user should know about this number.
        expected_seconds: How long the tests are expected to take; 0 if unknown.
    """

    workers: int
    reason: str
    limits: tuple[tuple[int, str], ...]
    warnings: tuple[str, ...]
    expected_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsInverted:
    """A time limit is not lower than the limit of the next level.

    Attributes:
        reason: Which one, as a sentence.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingsLost:
    """The timings of past runs could not be read, or those of this run not saved."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLost:
    """A report could not be written; the run goes on without it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimedOut:
    """All tests together took too long; no more tests start, and running ones are ended.

    Attributes:
        idle_only: Whether the limit counts from the last end of a test.
    """

    limit_seconds: float
    idle_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping:
    """No more tests start, but some are still running.

    Attributes:
        tests: The ids of the running tests.
    """

    tests: tuple[str, ...]
