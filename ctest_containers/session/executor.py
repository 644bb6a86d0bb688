"""What runs the tests of a session: this machine, or the nodes of a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ctest_containers.config import Config
from ctest_containers.errors import UsageError
from ctest_containers.events import Event
from ctest_containers.limits import Limits
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.suite import Batch
from ctest_containers.session.planning import RunPlan, plan_run
from ctest_containers.session.run_timings import RunTimings
from ctest_containers.session.share import Share
from ctest_containers.supply.supply import Supply
from ctest_containers.workers.assignment import WorkerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What an executor needs to know of a run, from its beginning to its end.

    Attributes:
        run_id: Distinguishes the run from others.
        folder: The folder that it was started in.
        selection: What decides which tests are selected: labels, patterns, tags.
        asked: The number of workers that the user asked for; None lets the machine decide.
        timings: What past runs have measured.
        share: The part of the tests that this job runs.
    """

    run_id: str
    folder: Path
    config: Config
    setup: ProjectSetup
    limits: Limits
    selection: Sequence[str]
    asked: int | None
    supply: Supply
    timings: RunTimings
    share: Share
    report: Callable[[Event], None]

    def plan(self, batches: Sequence[Batch], aliases: Collection[str]) -> RunPlan:
        """Return what running these batches on this machine would be like."""
        groups = self.supply.databases.plans.select(aliases)
        return plan_run(
            config=self.config,
            asked=self.asked,
            batches=batches,
            timings=self.timings.past,
            groups=groups,
            engine_bytes=self.supply.host.free_bytes(groups),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedTests:
    """The tests of a run, and how they are to be run.

    Attributes:
        aliases: The databases that they use.
        may_reorder: Whether the longest may begin first, or the order is what the user asked for.
        stopping: Returns whether no further test is to begin.
    """

    batches: Sequence[Batch]
    aliases: Collection[str]
    worker_config: WorkerConfig
    may_reorder: bool
    stopping: Callable[[], bool]


class Pool(Protocol):
    """Something that runs tests to their end."""

    def run(self) -> None:
        """Run everything.

        Raises:
            CtestError: The rest cannot be run.
        """

    @property
    def not_run(self) -> int:
        """How many tests have not ended."""


class Executor(Protocol):
    """Where tests are run. The methods are called in this order."""

    def start_early(self) -> None:
        """Start what the run may need, while tests are discovered."""

    def prepare(self, aliases: Collection[str]) -> None:
        """Make sure that the databases of these aliases can be had."""

    def pool(self, tests: SelectedTests) -> Pool:
        """Return what runs these tests."""

    def close(self) -> None:
        """Take what was measured while tests ran, whatever their outcome."""


def pickled(batches: Sequence[Batch]) -> bytes:
    """Return batches as spawned workers and nodes receive them.

    Raises:
        UsageError: They cannot be pickled.
    """
    try:
        return pickle.dumps(list(batches))
    except Exception as error:
        raise UsageError(
            f"The tests cannot be sent to spawned workers: {error}.",
            "Use --start-method fork, or keep what cannot be pickled out of the test's __init__.",
        ) from error
