"""One invocation: it prepares databases while tests are discovered, runs them, and cleans up."""

from __future__ import annotations

import functools
import gc
import pickle
import secrets
import unittest
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ctest_containers.cluster.pool import ClusterPool
from ctest_containers.config import Config, limits_of
from ctest_containers.config.model import project_of
from ctest_containers.errors import CtestError, InterruptedRunError, ReportError, UsageError
from ctest_containers.events import (
    ContainersLeft,
    Event,
    LimitsInverted,
    Phase,
    PhaseStarted,
    ReportLost,
    RunFinished,
    TestPlace,
    TestsFound,
    TimingsLost,
    WorkersPlanned,
)
from ctest_containers.exit_codes import ExitCode
from ctest_containers.fingerprint import Input
from ctest_containers.originals import ORIGINALS
from ctest_containers.project import line_coverage, settings
from ctest_containers.project.databases import first_aliases, mirrors
from ctest_containers.project.interrupts import Terminated, terminable
from ctest_containers.project.isolation import worker_function
from ctest_containers.project.line_coverage import LineCoverage
from ctest_containers.project.process import ProjectSetup, pickled_call, spawns
from ctest_containers.project.source_location import place_of_test
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.report.replay import ReplayReport
from ctest_containers.report.timings import TimingsReport
from ctest_containers.session.clustered import client_of, cluster_pool, config_of_nodes
from ctest_containers.session.node_plan import NodePlan
from ctest_containers.session.planning import RunPlan, memory_watch, plan_run
from ctest_containers.session.reporting import Reporting
from ctest_containers.session.schedule import expected_seconds, longest_first, split_long
from ctest_containers.session.shards import choose
from ctest_containers.session.start import run_started
from ctest_containers.session.starting import WorkerStarter
from ctest_containers.supply.parent import PARENT
from ctest_containers.supply.resource import Resource
from ctest_containers.supply.supply import Supply
from ctest_containers.template.build import CreateDatabases
from ctest_containers.text import plural
from ctest_containers.timings import Measured, Timings, TimingsFile
from ctest_containers.timings.store import default_path
from ctest_containers.workers.assignment import WorkerConfig
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.pool import WorkerPool
from ctest_containers.workers.recorder import RecordingResult


class Session:
    """The state of one run.

    Args:
        selection: What decides which tests are selected: labels, patterns, tags.
        asked: The number of workers that the user asked for; None lets the machine decide.
        prepare_spawned: What Django's own parallel runner calls in a spawned worker, and with what.
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
        create: Creates and migrates the test databases of some aliases, in a child process.
        spawn_create: The same for a spawned child, so it can be pickled.
        resources: What each worker gets for itself beside databases.
    """

    def __init__(
        self,
        *,
        config: Config,
        reporting: Reporting,
        selection: Sequence[str],
        asked: int | None,
        debug_mode: bool,
        prepare_spawned: tuple[Callable[..., object], tuple[Any, ...]],
        runner_inputs: Sequence[Input],
        create: CreateDatabases,
        spawn_create: CreateDatabases,
        resources: Sequence[Resource] = (),
    ) -> None:
        self.failure: CtestError | None = None
        self._began = ORIGINALS.monotonic()
        self._not_run = 0
        self._has_failed = False
        self._folder = Path.cwd()
        self._config = config
        self._reports = list(reporting.reports)
        self._output = reporting.output
        self._selection = selection
        self._limits = limits_of(config)
        # Of shards: where this job's tests are among all, and what the others flush.
        self._places: Sequence[int] = ()
        self._of_others: list[tuple[int, frozenset[str]]] = []
        self._asked = asked
        self._measured = Measured()
        spawned = spawns(config.start_method)
        prepare, arguments = prepare_spawned
        is_elsewhere = spawned or bool(config.cluster)
        self._setup = ProjectSetup(
            spawned=spawned,
            debug_mode=debug_mode,
            prepare=pickled_call(prepare, *arguments) if is_elsewhere else b"",
            settings=settings.without_module() if spawned else b"",
        )
        self._project = project_of(config)
        self._run_id = secrets.token_hex(4)
        self._create = spawn_create if spawned else create
        self._resources = resources
        self._supply: Supply | None = None
        timings = config.timings_file or default_path(self._project)
        self._timings_file = TimingsFile(Path(timings))
        self._spawn_create = spawn_create
        self._runner_inputs = tuple(runner_inputs)
        self._client: Any = None
        self._line_coverage: LineCoverage | None = None
        self._exit = ExitStack()

    @property
    def supply(self) -> Supply:
        """The databases and services of the run, while the session is entered."""
        assert self._supply is not None
        return self._supply

    @property
    def on_cluster(self) -> bool:
        """Whether other machines have the templates and servers of the run."""
        return bool(self._config.cluster)

    def __enter__(self) -> Session:  # noqa: PYI034  # `Self` is not in Python 3.10.
        self._report(run_started(self._run_id, self._project, self._folder))
        self._exit.callback(self._close)
        self._supply = Supply(
            config=self._config,
            setup=self._setup,
            create=self._create,
            runner_inputs=self._runner_inputs,
            report=self._report,
            run_id=self._run_id,
            resources=self._resources,
        )
        self._exit.enter_context(terminable())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    def start_early(self) -> None:
        """Start what the same selection of tests needed last time, while they are discovered.

        Raises:
            UsageError: A function that is to be called in each worker cannot be.
        """
        if self._config.cluster:
            # A cluster that does not answer is told of before anything else takes time.
            self._client = client_of(self._config)
            return
        if not self._setup.spawned:
            # What is loaded by now stays: where nobody looks through it for garbage, workers share
            # its memory with this process. Tests come later, and are collected as ever.
            gc.freeze()
        if self._config.worker_setup:
            worker_function(self._config.worker_setup)
        self.supply.warm(self._selection)

    def begin(self, phase: Phase) -> None:
        """Say what the run does from now on."""
        self._report(PhaseStarted(phase=phase))

    def share_of(self, tests: Sequence[unittest.TestCase]) -> Sequence[unittest.TestCase]:
        """Those of the tests that this job has, where several share them."""
        shard = self._config.shard
        if shard is None:
            return tests
        from django.db import connections

        batches: Sequence[Batch] = make_batches(tests, list(connections), mirrors())
        if self._config.split_classes:
            batches = split_long(batches, self._timings, shard.of)
        chosen, told = choose(batches, expected_seconds(batches, self._timings), shard)
        self._report(told)
        own = {batch.number for batch in chosen}
        self._places = told.places
        self._of_others = [
            (batch.first, batch.flushes) for batch in batches if batch.number not in own
        ]
        return [test for batch in chosen for test in batch.tests]

    def _flushes_elsewhere(
        self, batches: Sequence[Batch]
    ) -> Iterator[tuple[float, frozenset[str]]]:
        """Where, between this job's batches, other shards flush databases, and which."""
        for place, aliases in self._of_others:
            before = sum(self._places[batch.first] < place for batch in batches)
            yield before - 0.5, aliases

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
    ) -> None:
        """Run tests in workers, and report them into a result as a serial run would.

        Args:
            reorder: Whether the longest may begin first, or the order is what the user asked for.

        What ends the run before its tests is kept in `failure`, so that what has been reported by
        then can still be shown.
        """
        batches: Sequence[Batch] = make_batches(tests, aliases, mirrors())
        self._report(TestsFound(tests=tuple(map(self._place, tests))))
        replay, timings = ReplayReport(result, tests), TimingsReport()
        self._reports += [replay, timings]
        if self._setup.spawned or self._config.cluster:
            batches = self._run_what_cannot_be_sent(batches)
        self.supply.release_parent()
        for reason in self._limits.inversions():
            self._report(LimitsInverted(reason=reason))
        worker_config = self._worker_config(
            serialized=serialized, failfast=failfast, buffer=buffer, debug_sql=debug_sql
        )
        stopping = functools.partial(_should_stop, result)
        pool: WorkerPool | ClusterPool
        if self._config.cluster:
            pool = self._cluster_pool(batches, aliases, worker_config, stopping, reorder=reorder)
        else:
            pool = self._worker_pool(batches, aliases, worker_config, stopping, reorder=reorder)
        self.begin(Phase.CONTAINERS)
        try:
            pool.run()
        except Terminated:
            self.failure = InterruptedRunError("", ExitCode.TERMINATED)
        except KeyboardInterrupt:
            self.failure = InterruptedRunError("")
        except CtestError as error:
            self.failure = error
        else:
            if interrupted():
                self.failure = InterruptedRunError("")
        finally:
            if self._line_coverage is not None:
                line_coverage.add_workers(self._line_coverage)
            self._reports.remove(replay)
            self._reports.remove(timings)
            self._measured = timings.measured
            self.begin(Phase.CLEAN_UP)
            # They are removed while the report is printed.
            self.supply.release_all()
        self._has_failed = not result.wasSuccessful()
        if self.failure is not None:
            result.stop()
            self._say_what_was_not_run(pool.not_run)

    def _worker_pool(
        self,
        batches: Sequence[Batch],
        aliases: Collection[str],
        worker_config: WorkerConfig,
        stopping: Callable[[], bool],
        *,
        reorder: bool,
    ) -> WorkerPool:
        """What runs the tests on this machine."""
        planned = self._plan_run(batches, aliases)
        batches, expected, plan = planned.batches, planned.expected, planned.workers
        limits = tuple((limit.workers, limit.reason) for limit in plan.limits)
        predicted = [one.seconds for one in planned.predictions if one.workers == plan.workers]
        self._report(
            WorkersPlanned(
                workers=plan.workers,
                reason=plan.reason,
                limits=limits,
                warnings=plan.warnings,
                expected_seconds=round(predicted[0], 3) if predicted else 0.0,
            )
        )
        self.supply.remember(self._selection, aliases, plan.workers)
        self.supply.start([batch.aliases for batch in batches], plan.workers)
        folder = self.supply.host.folder()
        output = None if self._output is None else self._output.keep_in(folder)
        self._line_coverage = line_coverage.of_this_process(folder)
        starter = WorkerStarter(
            worker_config,
            supply=self.supply,
            setup=self._setup,
            batches=_pickled(batches) if self._setup.spawned else batches,
            output=output,
            line_coverage=self._line_coverage,
        )
        pool = WorkerPool(
            workers=plan.workers,
            batches=longest_first(batches, expected) if reorder and plan.workers > 1 else batches,
            supplier=self.supply,
            start=lambda number: starter.start(number, pool.descriptors()),
            report=self._report,
            stopping=stopping,
            limits=self._limits,
            memory=memory_watch(self._config, planned, self._timings),
            expected=expected,
            order=FlushOrder(
                batches,
                elsewhere=self._flushes_elsewhere(batches),
                databases=first_aliases(self.supply.databases.plans.groups),
                mirrors=mirrors(),
            ),
        )
        return pool

    def _cluster_pool(
        self,
        batches: Sequence[Batch],
        aliases: Collection[str],
        worker_config: WorkerConfig,
        stopping: Callable[[], bool],
        *,
        reorder: bool,
    ) -> ClusterPool:
        """What runs the tests on the nodes of a cluster."""
        if self._config.split_classes:
            batches = split_long(batches, self._timings, self._config.max_workers)
        expected = expected_seconds(batches, self._timings)
        peaks = self._timings.memory
        plan = NodePlan(
            config=config_of_nodes(self._config, self._project),
            batches=_pickled(batches),
            worker_config=worker_config,
            limits=self._limits,
            aliases=frozenset(aliases),
            began=self.supply.began,
            workers=self._asked,
            debug_mode=self._setup.debug_mode,
            create=self._spawn_create,
            runner_inputs=self._runner_inputs,
            expected=expected,
            memory={name: peak.count for name, peak in peaks.items()},
        )
        return cluster_pool(
            self._client,
            plan,
            run=self._run_id,
            folder=self._folder,
            prepare=self._setup.prepare,
            batches=longest_first(batches, expected) if reorder else batches,
            report=self._report,
            stopping=stopping,
        )

    def _worker_config(
        self, *, serialized: Collection[str], failfast: bool, buffer: bool, debug_sql: bool
    ) -> WorkerConfig:
        config = self._config
        return WorkerConfig(
            separate=config.separate,
            worker_setup=config.worker_setup,
            serialized=frozenset(serialized),
            reset=config.reset,
            failfast=failfast,
            buffer=buffer,
            debug_sql=debug_sql,
            limit=self._limits.per_test,
            adaptive=self._timings.adaptive_limits() if config.adaptive_timeouts else {},
            folder=self._folder,
        )

    def plan(self, tests: Sequence[unittest.TestCase], aliases: Collection[str]) -> RunPlan:
        """What a run of these tests would be like."""
        return self._plan_run(make_batches(tests, aliases, mirrors()), aliases)

    def _plan_run(self, batches: Sequence[Batch], aliases: Collection[str]) -> RunPlan:
        groups = self.supply.databases.plans.select(aliases)
        return plan_run(
            config=self._config,
            asked=self._asked,
            batches=batches,
            timings=self._timings,
            groups=groups,
            engine_bytes=self.supply.host.free_bytes(groups),
        )

    def _place(self, test: unittest.TestCase) -> TestPlace:
        known = self._timings.tests.get(test.id())
        return place_of_test(test, self._folder, 0.0 if known is None else round(known.seconds, 4))

    @functools.cached_property
    def _timings(self) -> Timings:
        """What past runs have measured; read once, for another run may change it meanwhile."""
        timings, trouble = self._timings_file.read()
        self._say_of_timings(trouble)
        return timings

    def _say_of_timings(self, trouble: str) -> None:
        if trouble:
            self._report(TimingsLost(reason=trouble))

    def _say_what_was_not_run(self, count: int) -> None:
        assert self.failure is not None
        self._not_run = count
        left = "Every test was run." if not count else f"{plural(count, 'test')} not run."
        if isinstance(self.failure, InterruptedRunError):
            # The last test may just have ended when the key was pressed.
            self.failure.message = f"Interrupted: {left}"
            self.failure = self.failure if count else None
        else:
            self.failure.message += f"\n{left}"

    def _report(self, event: Event) -> None:
        at = round(ORIGINALS.monotonic() - self._began, 6)
        for report in self._reports:
            try:
                report.handle(event, at)
            except ReportError as error:
                self._reports = [one for one in self._reports if one is not report]
                self._report(ReportLost(reason=str(error)))

    def _run_what_cannot_be_sent(self, batches: Sequence[Batch]) -> list[Batch]:
        """Run modules that could not be imported here, and give the other batches.

        Each stands for its ImportError, which often cannot be pickled, and needs no worker to
        raise it.
        """
        left = []
        for batch in batches:
            if not isinstance(batch.tests[0], unittest.loader._FailedTest):  # type: ignore[attr-defined]
                left.append(batch)
                continue
            places = zip(batch.tests, batch.indices, strict=True)
            indices = {id(test): index for test, index in places}
            result = RecordingResult(
                send=self._report, worker=PARENT, indices=indices, folder=self._folder
            )
            unittest.TestSuite(batch.tests).run(result)
        return left

    def _close(self) -> None:
        closed = None
        if self._supply is not None:
            try:
                self._supply.databases.prune()
            finally:
                closed = self._supply.close()
        if closed is not None:
            if closed.left:
                self._report(ContainersLeft(containers=closed.left, reason=closed.reason))
            self._measured.memory.update(closed.peaks)
        # Other jobs may still have to divide the tests by the same timings.
        if self._measured.tests and self._config.shard is None:
            self._say_of_timings(self._timings_file.merge(self._measured))
        if self._has_failed and self._supply is not None:
            self._supply.databases.say_ages()
        failure = "" if self.failure is None else self.failure.message
        self._report(RunFinished(not_run=self._not_run, failure=failure))


def _should_stop(result: unittest.TestResult) -> bool:
    return bool(result.shouldStop)


def _pickled(batches: Sequence[Batch]) -> bytes:
    try:
        return pickle.dumps(list(batches))
    except Exception as error:
        raise UsageError(
            f"The tests cannot be sent to spawned workers: {error}.",
            "Use --start-method fork, or keep what cannot be pickled out of the test's __init__.",
        ) from error
