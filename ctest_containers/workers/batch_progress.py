"""What has ended of a batch, and what batches have done to the rows of a worker's databases."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.events import OutcomeKind, Problem, TestOutcome
from ctest_containers.names import owner_of
from ctest_containers.project.suite import Batch

AFTER: Final = "after "
"""Begins the name under which a crash after a test is reported."""


@dataclass(slots=True)
class Work:
    """A batch, or the rest of one whose worker died.

    Attributes:
        ended: The indices of tests that have ended.
        fixtures: What was reported on class and module fixtures before the worker died; they run
            again, and report the same again.
        losses: How often a worker died in it before a test had begun.
        full: The indices of tests that have had their try with an adaptive limit.
        reported: What any part of a split class reported on fixtures; None for a whole batch.
        seconds: How long it is expected to take; 0 if nothing is known.
        careful: How many of its next tests are suspected of bringing down the node they run on.
        failed: The indices of tests that failed.
        passed: The indices of tests for which success was reported.
        blocked: The indices of tests that failed because their fixtures crashed every worker.
        completed: The fixtures that ended, whatever their outcome.
        rerun: What runs again in it; None for a batch that runs for the first time.
    """

    batch: Batch
    ended: set[int] = field(default_factory=set)
    fixtures: set[tuple[str, OutcomeKind]] = field(default_factory=set)
    losses: int = 0
    full: set[int] = field(default_factory=set)
    reported: set[tuple[str, OutcomeKind]] | None = None
    seconds: float = 0.0
    careful: int = 0
    failed: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)
    rerun: Rerun | None = None

    def is_new(self, fixture: str, kind: OutcomeKind) -> bool:
        """Note a report on a fixture, and return whether it is the first one."""
        if (fixture, kind) in self.fixtures:
            return False
        if self.reported is not None:
            if (fixture, kind) in self.reported:
                return False
            self.reported.add((fixture, kind))
        return True

    @property
    def failed_fixtures(self) -> list[str]:
        """The fixtures that failed, sorted."""
        return sorted({name for name, kind in self.fixtures if kind is not OutcomeKind.SKIP})

    @property
    def passed_fixtures(self) -> set[str]:
        """The fixtures that passed."""
        return self.completed - {name for name, _ in self.fixtures}

    @property
    def left(self) -> list[int]:
        """The indices of the tests that have not ended."""
        return [index for index in self.batch.indices if index not in self.ended]


@dataclass(slots=True)
class Rerun:
    """A failed test, or the tests of a class or module whose fixture failed.

    Attributes:
        attempts: How many attempts have ended, with the one that was not a rerun.
        failed: The tests that failed in an attempt, by their indices.
        passed: The tests that passed in an attempt.
        failed_fixtures: The fixtures that failed in an attempt, in their order.
        passed_fixtures: The fixtures that passed in an attempt.
    """

    batch: Batch
    indices: tuple[int, ...]
    attempts: int = 0
    failed: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    failed_fixtures: dict[str, None] = field(default_factory=dict)
    passed_fixtures: set[str] = field(default_factory=set)

    def add(self, work: Work) -> None:
        """Add an attempt that has ended."""
        failed = work.failed_fixtures
        # A crash after a test is reported like a fixture, but nothing reports its absence.
        crashes = {name for name in self.failed_fixtures if name.startswith(AFTER)}
        self.attempts += 1
        self.failed |= work.failed
        self.passed |= work.passed - work.failed
        self.passed_fixtures |= work.passed_fixtures | crashes.difference(failed)
        self.failed_fixtures |= dict.fromkeys(failed)

    @property
    def is_open(self) -> bool:
        """Whether a test or fixture has failed, and not passed in any attempt."""
        return bool(self.failed - self.passed or self.failed_fixtures.keys() - self.passed_fixtures)

    def name_of(self, index: int) -> str:
        """Return the id of a test."""
        return str(self.batch.tests[index - self.batch.first].id())


@dataclass(slots=True)
class Rows:
    """What batches have done to the rows on a worker's servers.

    Attributes:
        flushed: Whether rows of migrations may be missing.
        emptied: The databases that were flushed.
        clean: Those in which no test may have left rows since then.
        left_by: The number of the last batch that may have left rows.
        left_in: The databases in which batches may have left rows that later batches must find, by
            batch number.
    """

    flushed: bool = False
    emptied: set[str] = field(default_factory=set)
    clean: set[str] = field(default_factory=set)
    left_by: int = -1
    left_in: dict[int, frozenset[str]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether rows may differ from those of new servers."""
        return self.flushed or bool(self.emptied)

    def allow(self, work: Work) -> bool:
        """Return whether a batch would find the same rows as in a serial run of Django."""
        batch = work.batch
        if batch.needs_rows and self.flushed:
            return False
        uses_databases = bool(batch.aliases) or batch.leaves_rows
        return batch.number > self.left_by or not uses_databases

    def floor(self, database: str) -> float:
        """Return the number of the batch after which a flush would remove rows that exist now."""
        return self.left_by if database in self.emptied else -math.inf

    def empty(self, database: str, work: Work) -> None:
        """Note that a database is flushed before a batch, or by a test of it."""
        self.emptied.add(database)
        self.left_in = {
            number: rest for number, names in self.left_in.items() if (rest := names - {database})
        }
        if not work.batch.leaves_rows:
            self.clean.add(database)

    def change(self, work: Work) -> None:
        """Note that a batch begins on these servers."""
        self.flushed |= work.batch.removes_rows
        if work.batch.leaves_rows:
            self.clean.clear()
            self.left_by = max(self.left_by, work.batch.number)


def error_of_lost(worker: int, index: int | None, test_id: str, text: str) -> TestOutcome:
    """Return an error in place of what a lost worker could not report."""
    problem = Problem(
        type_name="WorkerLost",
        module="ctest_containers",
        message=text.splitlines()[0],
        text=text,
        is_failure=False,
    )
    return TestOutcome(
        worker=worker, index=index, test_id=test_id, kind=OutcomeKind.ERROR, problem=problem
    )


def cause_of(code: int | None, *, for_memory: bool) -> str:
    """Describe how a process ended.

    Args:
        code: Its exit code, negative for a signal; None if it does not end.
        for_memory: Whether the kernel has killed it for its memory.
    """
    if code is None:
        return "no exit code even after SIGKILL"
    if code >= 0:
        return f"exit code {code}"
    try:
        name = f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        name = f"signal {-code}"
    return f"{name}, killed by the kernel because memory ran out," if for_memory else name


def tests_of(fixture: str, work: Work) -> list[int]:
    """Return the indices of the tests that unittest does not run if a fixture fails."""
    return [index for index in owned_by(fixture, work.batch) if index not in work.ended]


def owned_by(fixture: str, batch: Batch) -> list[int]:
    """Return the indices of the tests of a fixture's class or module."""
    name = owner_of(fixture)
    return [
        index
        for index, test in zip(batch.indices, batch.tests, strict=True)
        for kind in [type(test)]
        if name in {kind.__module__, f"{kind.__module__}.{kind.__qualname__}"}
    ]
