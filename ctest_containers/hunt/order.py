"""The order in which a past run's worker ran tests before a given one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ctest_containers.errors import CtestError
from ctest_containers.events import (
    OutcomeKind,
    Problem,
    TestOutcome,
    TestRetried,
    TestsFound,
    TestStarted,
    WorkerRecycled,
    WorkerStarted,
)
from ctest_containers.history import Entry, History
from ctest_containers.history.store import read, run_of
from ctest_containers.names import class_of, owner_of
from ctest_containers.report.record import status_of
from ctest_containers.text import shortened

SHOWN_CHARACTERS: Final = 120
"""How much of a failure's message is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a test failed: two failures are the same if type and location are.

    Attributes:
        type_name: The qualified name of the exception's class, with its module.
        file: The file in the project's own code that raised it; empty if unknown.
        line: The line in this file; 0 if unknown.
        message: The exception as `str()` shows it.
    """

    type_name: str
    file: str = ""
    line: int = 0
    message: str = field(default="", compare=False)

    @classmethod
    def of(cls, problem: Problem) -> Failure:
        """Return the failure that a problem is."""
        return cls(
            type_name=f"{problem.module}.{problem.type_name}".removeprefix("builtins."),
            file=problem.file,
            line=problem.line,
            message=problem.message,
        )

    def __str__(self) -> str:
        first = shortened(self.message.strip().partition("\n")[0], SHOWN_CHARACTERS)
        place = f" ({self.file}:{self.line})" if self.file else ""
        return f"{self.type_name}{': ' if first else ''}{first}{place}"


UNEXPECTED_SUCCESS = Failure(type_name="unexpected success")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a past run has recorded of a test.

    Attributes:
        run: The run's id.
        order: The ids of the tests that its worker ran on the same servers.
        position: How many of these ran before it.
        failure: How it failed; None if it did not.
    """

    run: str
    order: Sequence[str]
    position: int
    failure: Failure | None

    @property
    def before(self) -> Sequence[str]:
        """The tests that the same worker had run on the same servers before it."""
        return self.order[: self.position]


def failure_of(outcome: TestOutcome) -> Failure | None:
    """Return the failure that an outcome reports; None if it reports none."""
    if not status_of(outcome).is_bad:
        return None
    if outcome.kind is OutcomeKind.UNEXPECTED_SUCCESS or outcome.problem is None:
        return UNEXPECTED_SUCCESS
    return Failure.of(outcome.problem)


def concerns(outcome: TestOutcome, test_id: str) -> bool:
    """Return whether an outcome is the test's, or that of a fixture that runs before it."""
    if outcome.index is not None:
        return outcome.test_id == test_id
    is_setup = outcome.test_id.startswith("setUp")
    return is_setup and f"{class_of(test_id)}.".startswith(f"{owner_of(outcome.test_id)}.")


def recorded(entries: Iterable[Entry], run: str) -> dict[str, Recorded]:
    """Return what a run has recorded of each test that ran, or would have but for its fixture."""
    places: dict[str, tuple[list[str], int]] = {}
    failures: dict[str, Failure] = {}
    of_fixtures: list[tuple[TestOutcome, list[str], int]] = []
    running: dict[int, list[str]] = {}
    recycled: set[int] = set()
    every: list[str] = []
    for _, event in entries:
        match event:
            case TestsFound(tests=tests):
                every = [test.test_id for test in tests]
            case WorkerRecycled(worker=worker):
                recycled.add(worker)
            case WorkerStarted(worker=worker):
                # A process that replaces one that has grown too large keeps its servers.
                if worker in recycled:
                    recycled.remove(worker)
                else:
                    running[worker] = []
            case TestStarted(worker=worker, test_id=test_id):
                order = running.setdefault(worker, [])
                places[test_id] = order, len(order)
                order.append(test_id)
            case TestRetried(test_id=test_id):
                failures.pop(test_id, None)
            case TestOutcome(index=None) if failure_of(event) is not None:
                order = running.setdefault(event.worker, [])
                of_fixtures.append((event, order, len(order)))
            case TestOutcome(test_id=test_id):
                failure = failure_of(event)
                if failure is not None:
                    failures.setdefault(test_id, failure)
            case _:
                pass
    for outcome, order, position in of_fixtures:
        for test_id in every:
            if test_id not in places and concerns(outcome, test_id):
                places[test_id] = order, position
                failures[test_id] = failure_of(outcome) or UNEXPECTED_SUCCESS
    return {
        test_id: Recorded(run=run, order=order, position=position, failure=failures.get(test_id))
        for test_id, (order, position) in places.items()
    }


def runs_of(history: History, run: str = "") -> Iterator[dict[str, Recorded]]:
    """Yield what past runs have recorded, the latest first.

    Args:
        run: The id of the only run to read, a prefix of it, or its file; empty for all runs.

    Raises:
        UsageError: There is no such run.
    """
    logs: Iterable[Path] = [history.find(run)] if run else reversed(history.logs())
    for log in logs:
        try:
            yield recorded(read(log), run_of(log))
        except CtestError:
            if run:
                raise
