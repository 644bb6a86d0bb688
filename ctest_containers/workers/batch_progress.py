"""What has ended of a batch, and what batches have done to the rows of a worker's databases."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass, field

from ctest_containers.events import OutcomeKind, Problem, TestOutcome
from ctest_containers.names import owner_of
from ctest_containers.project.suite import Batch


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
    """

    batch: Batch
    ended: set[int] = field(default_factory=set)
    fixtures: set[tuple[str, OutcomeKind]] = field(default_factory=set)
    losses: int = 0
    full: set[int] = field(default_factory=set)
    reported: set[tuple[str, OutcomeKind]] | None = None
    seconds: float = 0.0
    careful: int = 0

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
    def left(self) -> list[int]:
        """The indices of the tests that have not ended."""
        return [index for index in self.batch.indices if index not in self.ended]


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
    name = owner_of(fixture)
    return [
        index
        for index in work.left
        for kind in [type(work.batch.tests[index - work.batch.first])]
        if name in {kind.__module__, f"{kind.__module__}.{kind.__qualname__}"}
    ]
