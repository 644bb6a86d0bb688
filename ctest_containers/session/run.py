"""A session prepares databases while tests are discovered, runs the tests, and cleans up."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType

from ctest_containers.errors import CtestError, InterruptedRunError
from ctest_containers.events import (
    ContainersLeft,
    LimitsInverted,
    Phase,
    PhaseStarted,
    RunFinished,
    TestsFound,
)
from ctest_containers.project.databases import mirrors
from ctest_containers.project.interrupts import terminable
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.session.context import RunContext, new_context
from ctest_containers.session.debugging import check_terminal
from ctest_containers.session.dispatch import Dispatch
from ctest_containers.session.executor import (
    Executor,
    SelectedTests,
    failure_of,
)
from ctest_containers.session.listening import Listeners
from ctest_containers.session.local import LocalExecutor
from ctest_containers.session.past_runs import PastRuns
from ctest_containers.session.placeholders import run_placeholders
from ctest_containers.session.planning import RunPlan
from ctest_containers.session.reporting import Reporting
from ctest_containers.session.request import RunRequest
from ctest_containers.session.run_timings import RunTimings
from ctest_containers.session.schemas import RunSchemas
from ctest_containers.session.start import run_started
from ctest_containers.session.stress import Shuffle, StressRun
from ctest_containers.session.worker_config import worker_config
from ctest_containers.supply.supply import Supply
from ctest_containers.text import plural
from ctest_containers.workers.assignment import WorkerConfig


class Session:
    """The state of one run.

    Attributes:
        failure: What ended the run before its last test; None if nothing did.
        flaky: The first failure of each flaky test and fixture, by its name.
    """

    def __init__(self, request: RunRequest, reporting: Reporting) -> None:
        self.failure: CtestError | None = None
        self.flaky: Mapping[str, str] = {}
        self._not_run = 0
        self._has_failed = False
        self._stress: StressRun | None = None
        self._request = request
        self._config = request.config
        self._report = Dispatch(reporting.reports)
        self._output = reporting.output
        self._timings = RunTimings(request.config, self._report)
        self._schemas = RunSchemas(lambda: self._run_context, lambda: self.executor)
        self._past = PastRuns(request, self._timings.path, self._report, self._schemas.reaches)
        self._opened: tuple[RunContext, Executor] | None = None
        self._exit = ExitStack()

    def __enter__(self) -> Session:  # noqa: PYI034  # `Self` is not in Python 3.10.
        self._past.check()
        # What is wrong with the configuration is raised before anything is reported.
        if self._request.pdb:
            check_terminal()
        context = new_context(self._request, self._timings, self._report)
        self._opened = context, self._new_executor(context)
        self._exit.callback(self._close)
        with ExitStack() as undo:
            undo.push(self._exit)
            started = run_started(context.run_id, context.supply.project, context.folder)
            self._past.begin(started)
            self._report(started)
            self._exit.enter_context(terminable())
            self._exit.enter_context(context.supply.lending())
            undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    def _new_executor(self, context: RunContext) -> Executor:
        if self._config.cluster:
            # Most runs use no cluster.
            from ctest_containers.session.clustered import ClusterExecutor

            request = self._request
            return ClusterExecutor(context, request.spawn_create, request.runner_inputs)
        return LocalExecutor(context, self._output)

    @property
    def supply(self) -> Supply:
        """The databases and services of the run, while the session is entered."""
        return self._run_context.supply

    @property
    def executor(self) -> Executor:
        """What runs the tests, while the session is entered."""
        assert self._opened is not None
        return self._opened[1]

    @property
    def flaky_failures(self) -> int:
        """How many flaky tests and fixtures the run fails for."""
        return len(self.flaky) if self._config.flaky == "fail" else 0

    @property
    def _run_context(self) -> RunContext:
        assert self._opened is not None
        return self._opened[0]

    def begin(self, phase: Phase) -> None:
        """Report that a phase of the run begins."""
        self._report(PhaseStarted(phase=phase))

    def start_early(self, *, is_selected: bool) -> None:
        """Start what the run may need.

        Args:
            is_selected: Whether the tests are known. With `--failed` or `--affected`, there may be
                none.
        """
        config = self._config
        if is_selected == (config.failed or config.affected is not None):
            self.executor.start_early()

    def selected(self, tests: Sequence[unittest.TestCase]) -> Sequence[unittest.TestCase]:
        """Return the tests that this job runs, if others run some, or only some are to run.

        Raises:
            NothingToRun: No test that failed, or that is affected, is among them.
            UsageError: Affected tests are asked for since a revision that does not exist.
        """
        return self._past.select(tests, self._run_context.share)

    def prepare(self, aliases: Collection[str]) -> None:
        """Make sure that the templates of databases exist."""
        self._schemas.prepare(aliases)

    def plan(self, tests: Sequence[unittest.TestCase], aliases: Collection[str]) -> RunPlan:
        """Return the plan of a run of these tests."""
        return self._run_context.plan(make_batches(tests, aliases, mirrors()), aliases)

    @property
    def is_clustered(self) -> bool:
        """Whether the tests run on the nodes of a cluster."""
        return bool(self._config.cluster)

    def trials(self, serialized: Collection[str]) -> tuple[RunContext, WorkerConfig]:
        """Return what it takes to start workers for something else than a run of all tests."""
        context = self._run_context
        context.supply.release_parent()
        usual = worker_config(context, serialized=serialized)
        # A failure is what it is about: nothing is kept or debugged, and no test is tried again.
        return context, replace(
            usual, adaptive={}, keep_failed=False, terminal=False, pdb=False, record=False
        )

    def run(
        self,
        tests: Sequence[unittest.TestCase],
        result: unittest.TestResult,
        *,
        aliases: Collection[str],
        serialized: Collection[str],
        failfast: bool,
        buffer: bool,
        debug_sql: bool,
        reorder: bool,
        interrupted: Callable[[], bool],
        shuffle: Shuffle | None,
    ) -> None:
        """Run tests in workers, and report them to a result as a serial run would.

        An error that ends the run early is kept in `failure` instead of being raised, so that the
        outcomes until then can still be shown.

        Args:
            reorder: Whether the longest may start first; otherwise the user chose their order.
            shuffle: How tests are shuffled; None if they are not.
        """
        context = self._run_context
        batches: Sequence[Batch] = make_batches(tests, aliases, mirrors())
        located = [self._timings.place_of(test, context.folder) for test in tests]
        self._report(TestsFound(tests=tuple(located)))
        listeners = Listeners(self._config, result, tests)
        self._report.add(*listeners.reports)
        if context.setup.spawned or self._config.cluster:
            reruns = bool(self._config.rerun)
            batches = run_placeholders(batches, self._report, context.folder, reruns=reruns)
        context.supply.release_parent()
        for reason in context.limits.inversions():
            self._report(LimitsInverted(reason=reason))
        if self._config.stress is not None and shuffle is not None:
            self._stress = StressRun(
                self._config.stress,
                tests,
                repeated=[test for batch in batches for test in batch.tests],
                shuffle=shuffle,
                aliases=aliases,
                report=self._report,
            )
            self._report.locate = self._stress.located
        stress = self._stress
        selected = SelectedTests(
            batches=batches,
            aliases=aliases,
            worker_config=worker_config(
                context,
                serialized=serialized,
                failfast=failfast,
                buffer=buffer,
                debug_sql=debug_sql,
                pdb=self._request.pdb,
            ),
            first=self._past.first,
            may_reorder=reorder,
            stopping=lambda: result.shouldStop or (stress is not None and stress.is_over),
            stress=stress,
        )
        pool = self.executor.pool(selected)
        self.begin(Phase.CONTAINERS)
        try:
            self.failure = failure_of(pool, interrupted)
        finally:
            self.executor.close()
            if stress is not None:
                stress.finish()
            listeners.finish()
            self.flaky = listeners.flaky
            self._report.remove(*listeners.reports)
            self._timings.measured = listeners.measured
            self._past.add(listeners, tests)
            self.begin(Phase.CLEAN_UP)
            # Servers are removed while the report is printed.
            context.supply.release_all()
        self._has_failed = not result.wasSuccessful()
        if self.failure is not None:
            result.stop()
            self._add_not_run(self.failure, pool.not_run)

    def _add_not_run(self, failure: CtestError, count: int) -> None:
        self._not_run = count
        left = "Every test was run." if not count else f"{plural(count, 'test')} not run."
        if self._stress is not None:
            self._not_run, left = self._stress.never_run, self._stress.progress
        if isinstance(failure, InterruptedRunError):
            # The last test may just have ended at the interrupt.
            failure.message = f"Interrupted: {left}"
            self.failure = failure if count or self._stress is not None else None
        else:
            failure.message += f"\n{left}"

    def _close(self) -> None:
        supply, measured = self.supply, self._timings.measured
        if supply.kept_failures:
            # Most runs do not need what it imports.
            from ctest_containers.opening.exports import export_failures

            folder = self._run_context.folder
            for event in export_failures(supply.kept_failures, self._config, folder):
                self._report(event)
        try:
            supply.databases.prune()
        finally:
            closed = supply.close()
        if closed is not None:
            if closed.left:
                self._report(ContainersLeft(containers=closed.left, reason=closed.reason))
            measured.memory.update(closed.peaks)
        # Other jobs may have yet to divide the tests by the same timings.
        if measured.tests and self._config.shard is None:
            self._timings.save()
        self._past.save(self._schemas.known)
        if self._stress is not None:
            self._report(self._stress.summary())
        if self._has_failed:
            supply.databases.say_ages()
        failure = "" if self.failure is None else self.failure.message
        flaky_fails = self._config.flaky == "fail"
        self._report(RunFinished(not_run=self._not_run, failure=failure, flaky_fails=flaky_fails))
