"""Runs the tests of a session in worker processes on this machine."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Sequence

from ctest_containers.events import WorkersPlanned
from ctest_containers.model import Stress
from ctest_containers.project import line_coverage
from ctest_containers.project.databases import first_aliases, mirrors
from ctest_containers.project.isolation import worker_function
from ctest_containers.project.line_coverage import LineCoverage
from ctest_containers.project.suite import Batch
from ctest_containers.report.output import WorkerOutput
from ctest_containers.session.context import RunContext
from ctest_containers.session.executor import SelectedTests, pickled
from ctest_containers.session.planning import RunPlan, expected_of_rounds, memory_watch
from ctest_containers.session.schedule import failed_first, longest_first
from ctest_containers.session.starting import WorkerStarter
from ctest_containers.session.stress import StressRun
from ctest_containers.session.worker_config import loaded_functions
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.pool import WorkerPool


class LocalExecutor:
    """See `Executor`.

    Args:
        output: Where workers print; None to print where this process does.
    """

    def __init__(self, context: RunContext, output: WorkerOutput | None) -> None:
        self._context = context
        self._output = output
        self._line_coverage: LineCoverage | None = None
        self._loaded = loaded_functions(context)

    def start_early(self) -> None:
        """Start the servers that the same selection of tests needed last time.

        Raises:
            UsageError: The option `worker_setup` does not name a function.
        """
        context = self._context
        if not context.setup.spawned:
            # What is loaded by now stays in memory, and workers share it with this process if the
            # garbage collector does not touch it. Tests are loaded later, and collected as usual.
            if self._loaded is not None:
                gc.unfreeze()
                self._loaded.look()
            gc.freeze()
        if context.config.worker_setup:
            worker_function(context.config.worker_setup)
        context.supply.warm(context.selection)

    def prepare(self, aliases: Collection[str]) -> None:
        """See `Executor`."""
        self._context.supply.prepare(aliases)

    def pool(self, tests: SelectedTests) -> WorkerPool:
        """See `Executor`."""
        context, supply = self._context, self._context.supply
        plan = context.plan(tests.batches, tests.aliases)
        batches, expected, workers = plan.batches, plan.expected, plan.workers.workers
        context.report(_planned(plan, context.config.stress))
        supply.remember(context.selection, tests.aliases, workers)
        supply.start([batch.aliases for batch in batches], workers)
        folder = supply.host.folder()
        output = None if self._output is None else self._output.keep_in(folder)
        self._line_coverage = line_coverage.of_this_process(folder)
        stress = tests.stress
        if self._loaded is not None and (base := self._loaded.base()) is not None:
            context.report(base)
        starter = WorkerStarter(
            tests.worker_config,
            supply=supply,
            setup=context.setup,
            batches=_batches_for(context, batches, stress),
            output=output,
            line_coverage=self._line_coverage,
            cached=() if self._loaded is None else self._loaded.cached,
        )
        may_reorder = tests.may_reorder and workers > 1
        databases = first_aliases(supply.databases.plans.groups)
        if stress is not None:
            stress.begin(context.timings.past, databases, mirrors())
        ordered = longest_first(batches, expected) if may_reorder else batches
        pool = WorkerPool(
            workers=workers,
            batches=failed_first(ordered, tests.first),
            supplier=supply,
            start=lambda number: starter.start(number, pool.descriptors()),
            report=context.report if stress is None else stress.handle,
            stopping=tests.stopping,
            limits=context.limits,
            memory=memory_watch(context.config, plan, context.timings.past),
            expected=expected,
            reruns=context.config.rerun,
            order=FlushOrder(
                batches,
                elsewhere=context.share.flushes_elsewhere(batches),
                databases=databases,
                mirrors=mirrors(),
            ),
            rounds=stress,
        )
        return pool

    def close(self) -> None:
        """Add the lines that ran in workers to those of this process."""
        if self._line_coverage is not None:
            line_coverage.add_workers(self._line_coverage)


def _batches_for(
    context: RunContext, batches: Sequence[Batch], stress: StressRun | None
) -> Callable[[], Sequence[Batch] | bytes]:
    """Return a function that returns the batches that a new worker may get."""
    if stress is not None:
        return lambda: pickled(stress.batches) if context.setup.spawned else stress.batches
    sent = pickled(batches) if context.setup.spawned else batches
    return lambda: sent


def _planned(plan: RunPlan, stress: Stress | None) -> WorkersPlanned:
    workers = plan.workers
    predicted = {prediction.workers: prediction.seconds for prediction in plan.predictions}
    expected = predicted.get(workers.workers, 0.0)
    if stress is not None:
        expected = stress.seconds or expected_of_rounds(plan, stress.rounds or 0)
    return WorkersPlanned(
        workers=workers.workers,
        reason=workers.reason,
        limits=tuple((limit.workers, limit.reason) for limit in workers.limits),
        warnings=workers.warnings,
        expected_seconds=round(expected, 3),
    )
