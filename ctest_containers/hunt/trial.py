"""A trial of a hunt, and its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from ctest_containers.hunt.order import Failure
from ctest_containers.model import Lease
from ctest_containers.project.suite import Batch


class Ending(str, Enum):
    """How the target of a trial ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    """An earlier test ended the process, or the time of the trial was up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A sequence of tests to run in one process.

    Attributes:
        batches: The tests as batches.
        aliases: The databases that it gets at once; others are lent when a test connects to them.
        target: The id of the test whose outcome is wanted; empty for none.
        limit_seconds: How long the trial may take.
        at_end: Called with new databases, and with those that its tests have used, when all of
            them have run; None for nothing.
    """

    batches: Sequence[Batch]
    aliases: frozenset[str]
    target: str
    limit_seconds: float
    at_end: Callable[[Iterable[Lease], Iterable[Lease]], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a trial.

    Attributes:
        failure: How the target failed; None if it did not.
        cause: Why the target was not reached; empty if it was.
        ended_by: The test that ended the process before the target; empty if none did.
        batch: The position of the batch of the trial that ran last.
        seconds: How long the trial took.
        text: The report on the target's failure as unittest prints it.
    """

    ending: Ending
    failure: Failure | None = None
    cause: str = ""
    ended_by: str = ""
    batch: int = 0
    seconds: float = 0.0
    text: str = ""
