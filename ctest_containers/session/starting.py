"""Starts the worker processes of a run, on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.suite import Batch
from ctest_containers.project.surroundings import Worker
from ctest_containers.session.databases import RunDatabases
from ctest_containers.workers.child import Assignment
from ctest_containers.workers.process import WorkerProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What every worker of a run is told, wherever it is; see `Assignment`."""

    separate: bool
    worker_setup: str
    serialized: frozenset[str]
    reset: str
    failfast: bool
    buffer: bool
    debug_sql: bool
    limit_seconds: float | None
    adaptive: Mapping[str, float]
    folder: Path


class WorkerStarter:
    """Starts a worker process, and another one in its place.

    Args:
        batches: All batches of the run, pickled where workers are spawned.
        output: The file that workers print into; None for where this process does.
    """

    def __init__(
        self,
        orders: Orders,
        *,
        databases: RunDatabases,
        setup: ProjectSetup,
        batches: Sequence[Batch] | bytes,
        output: Path | None,
    ) -> None:
        self._orders = orders
        self._databases = databases
        self._setup = setup
        self._batches = batches
        self._output = output
        self._processes: Counter[int] = Counter()

    def start(self, number: int, others: tuple[int, ...]) -> WorkerProcess:
        """Start the process of a worker.

        Args:
            others: What leads to the other workers, which this one must not keep open.
        """
        orders, scratch = self._orders, self._databases.scratch()
        self._processes[number] += 1
        process = self._processes[number]
        return WorkerProcess(
            Assignment(
                worker=number,
                own=Worker(
                    number=number,
                    run=self._databases.run_id,
                    folder=scratch / f"w{number}" / str(process),
                    process=process,
                ),
                separate=orders.separate,
                worker_setup=orders.worker_setup,
                setup=self._setup,
                batches=self._batches,
                serialized=orders.serialized,
                reset=orders.reset,
                failfast=orders.failfast,
                buffer=orders.buffer,
                debug_sql=orders.debug_sql,
                limit_seconds=orders.limit_seconds,
                adaptive=orders.adaptive,
                stack_file=scratch / f"w{number}.stack",
                output=self._output,
                folder=orders.folder,
                close=(*self._databases.host_descriptors(), *others),
            )
        )
