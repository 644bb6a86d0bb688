"""Starts the worker processes of a run on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ctest_containers.project.isolation import Worker
from ctest_containers.project.line_coverage import LineCoverage
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.suite import Batch
from ctest_containers.supply.supply import Supply
from ctest_containers.usage.hooks import CachedFunction
from ctest_containers.workers.assignment import Assignment, WorkerConfig
from ctest_containers.workers.process import WorkerProcess


class WorkerStarter:
    """Starts worker processes, and those that replace them.

    Args:
        batches: Returns all batches that a worker may get; pickled if workers are spawned.
        output: The file that workers print into; None to print where this process does.
        line_coverage: How workers measure the lines that run; None not to measure them.
        cached: The functions that cache their answers; only for recording what tests use.
    """

    def __init__(
        self,
        worker_config: WorkerConfig,
        *,
        supply: Supply,
        setup: ProjectSetup,
        batches: Callable[[], Sequence[Batch] | bytes],
        output: Path | None,
        line_coverage: LineCoverage | None = None,
        cached: Sequence[CachedFunction] = (),
    ) -> None:
        self._worker_config = worker_config
        self._supply = supply
        self._setup = setup
        self._batches = batches
        self._output = output
        self._processes: Counter[int] = Counter()
        self._line_coverage = line_coverage
        self._cached = cached

    def start(self, number: int, others: tuple[int, ...]) -> WorkerProcess:
        """Start the process of a worker.

        Args:
            others: The descriptors of other workers' channels, which it must not keep open.
        """
        scratch = self._supply.host.folder()
        self._processes[number] += 1
        process = self._processes[number]
        return WorkerProcess(
            Assignment(
                worker=number,
                own=Worker(
                    number=number,
                    run=self._supply.host.run_id,
                    folder=scratch / f"w{number}" / str(process),
                    process=process,
                ),
                worker_config=self._worker_config,
                setup=self._setup,
                batches=self._batches(),
                stack_file=scratch / f"w{number}.stack",
                output=self._output,
                close=(*self._supply.host.descriptors(), *others),
                line_coverage=self._line_coverage,
                facts=self._supply.databases.facts(),
                cached=self._cached,
            )
        )
