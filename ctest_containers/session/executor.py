"""The executor of a session's tests: this machine, or the nodes of a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from ctest_containers.errors import CtestError, InterruptedRunError, UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.project.interrupts import Terminated
from ctest_containers.project.suite import Batch
from ctest_containers.session.stress import StressRun
from ctest_containers.workers.assignment import WorkerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedTests:
    """The tests of a run, and how to run them.

    Attributes:
        aliases: The databases that they use.
        first: The ids of tests that run before the others.
        may_reorder: Whether the longest may start first; otherwise the user chose their order.
        stopping: Returns whether no further test may start.
        stress: The rounds in which they run again and again; None to run them once.
    """

    batches: Sequence[Batch]
    aliases: Collection[str]
    worker_config: WorkerConfig
    first: frozenset[str]
    may_reorder: bool
    stopping: Callable[[], bool]
    stress: StressRun | None = None


class Pool(Protocol):
    """Runs tests to their end."""

    def run(self) -> None:
        """Run everything.

        Raises:
            CtestError: The remaining tests cannot be run.
        """

    @property
    def not_run(self) -> int:
        """How many tests have not ended."""


class Executor(Protocol):
    """Runs the tests of a session. The methods are called in this order."""

    def start_early(self) -> None:
        """Start what the run may need, before tests are discovered."""

    def prepare(self, aliases: Collection[str]) -> None:
        """Prepare the templates of these aliases' databases."""

    def pool(self, tests: SelectedTests) -> Pool:
        """Return a pool that runs these tests."""

    def close(self) -> None:
        """Collect what was measured while tests ran, whatever their outcome."""


def pickled(batches: Sequence[Batch]) -> bytes:
    """Return batches in the form that spawned workers and nodes receive.

    Raises:
        UsageError: They cannot be pickled.
    """
    try:
        return pickle.dumps(list(batches))
    except Exception as error:
        raise UsageError(
            f"The tests cannot be sent to spawned workers: {error}.",
            "Use --start-method fork, or do not store values that cannot be pickled in the "
            "test's __init__.",
        ) from error


def failure_of(pool: Pool, interrupted: Callable[[], bool]) -> CtestError | None:
    """Run tests, and return the error that ended the run early; None if none did."""
    try:
        pool.run()
    except Terminated:
        return InterruptedRunError("", ExitCode.TERMINATED)
    except KeyboardInterrupt:
        return InterruptedRunError("")
    except CtestError as error:
        return error
    return InterruptedRunError("") if interrupted() else None
