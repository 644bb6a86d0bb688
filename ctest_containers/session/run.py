"""One invocation: it prepares databases while tests are discovered, runs them, and cleans up."""

from __future__ import annotations

import functools
import os
import pickle
import secrets
import unittest
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import platformdirs

from ctest_containers.capacity import plan_workers
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.config import Config
from ctest_containers.config.model import image_of
from ctest_containers.engine.folders import dead_run_folders, make_run_folder, remove_folder
from ctest_containers.errors import CtestError, InterruptedRunError, UsageError
from ctest_containers.events import (
    ContainersLeft,
    Event,
    LimitsInverted,
    TimingsLost,
    WorkersPlanned,
)
from ctest_containers.exit_codes import ExitCode
from ctest_containers.fingerprint import Input
from ctest_containers.limits import limits
from ctest_containers.model import DatabaseGroup, Lease, Vendor
from ctest_containers.project import connections
from ctest_containers.project.databases import DatabasePlans, plan_databases
from ctest_containers.project.interrupts import Terminated, terminable
from ctest_containers.project.process import ProjectSetup, can_fork
from ctest_containers.project.schema import schema_inputs
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.report import Report
from ctest_containers.report.replay import ReplayReport
from ctest_containers.report.timings import TimingsReport
from ctest_containers.servers import ServerHostClient
from ctest_containers.session.forecast import Forecast, Needs
from ctest_containers.session.schedule import expected_seconds, longest_first
from ctest_containers.session.servers import WorkerServers
from ctest_containers.template import Template, TemplateStore, identify
from ctest_containers.template.base import base_image
from ctest_containers.template.build import CreateDatabases
from ctest_containers.text import plural, slug
from ctest_containers.timings import Measured, Timings, TimingsFile
from ctest_containers.timings.store import default_path
from ctest_containers.workers.child import Assignment
from ctest_containers.workers.pool import WorkerPool
from ctest_containers.workers.process import WorkerProcess

PARENT = 0
"""The number under which the parent itself has databases, should it ask for one."""


class Session:
    """The state of one run.

    Args:
        selection: What decides which tests are selected: labels, patterns, tags.
        asked: The number of workers that the user asked for; None lets the machine decide.
        prepare_spawned: What Django's own parallel runner calls in a spawned worker, and with what.
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
        create: Creates and migrates the test databases of some aliases, in a child process.
        spawn_create: The same for a spawned child, so it can be pickled.
    """

    def __init__(
        self,
        *,
        config: Config,
        reports: Sequence[Report],
        selection: Sequence[str],
        asked: int | None,
        debug_mode: bool,
        prepare_spawned: tuple[Callable[..., object], tuple[Any, ...]],
        runner_inputs: Sequence[Input],
        create: CreateDatabases,
        spawn_create: CreateDatabases,
    ) -> None:
        self.run_id = secrets.token_hex(4)
        self.failure: CtestError | None = None
        self._config = config
        self._reports = list(reports)
        self._selection = selection
        self._limits = limits(
            main=config.timeout,
            per_test=config.timeout_per_test,
            per_worker=config.timeout_per_worker,
            whole_run=config.timeout_global,
        )
        self._asked = asked
        self._runner_inputs = tuple(runner_inputs)
        self._cache = Path(platformdirs.user_cache_dir("ctest_containers"))
        self._project = config.project or Path.cwd().name
        self._forecast = Forecast(self._cache / "forecast" / f"{slug(self._project)}.json")
        self._timings = Timings()
        self._measured = Measured()
        self._timings_file = TimingsFile(Path(config.timings_file or default_path(self._project)))
        spawned = config.start_method == "spawn" or (
            config.start_method == "auto" and not can_fork()
        )
        prepare, arguments = prepare_spawned
        self._setup = ProjectSetup(
            spawned=spawned,
            debug_mode=debug_mode,
            prepare=prepare,
            prepare_arguments=arguments,
        )
        self._create = spawn_create if spawned else create
        self._host_client: ServerHostClient | None = None
        self._folder: Path | None = None
        self._store = TemplateStore(
            folder=self._cache,
            host=self._host,
            report=self._report,
            server_timeout_seconds=config.server_timeout,
            server_memory_bytes=config.server_memory,
            build_timeout_seconds=config.build_timeout,
        )
        self._servers = WorkerServers(
            host=self._host, store=self._store, report=self._report, folder=self._scratch
        )
        self._parent_settings: dict[str, dict[str, Any]] = {}
        self._templates: dict[str, Template] = {}
        self._plans = DatabasePlans((), {})
        self._exit = ExitStack()

    def __enter__(self) -> Session:  # noqa: PYI034  # `Self` is not in Python 3.10.
        self._exit.callback(self._close)
        self._plans = plan_databases(functools.partial(image_of, self._config))
        self._plans.check_images(alias for alias, _ in self._config.images)
        self._exit.enter_context(terminable())
        self._exit.enter_context(connections.guarded(self._lend_to_parent))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    def start_early(self) -> None:
        """Start what the same selection of tests needed last time, while they are discovered."""
        needs = self._forecast.get(self._selection)
        if needs is None or not needs.aliases:
            return
        templates = [self._identify(group) for group in self._plans.select(needs.aliases)]
        for worker in range(1, needs.workers + 1):
            self._servers.expect(worker, templates)

    def prepare(self, aliases: Collection[str]) -> None:
        """Make sure that the templates for these aliases exist, building them if need be.

        Raises:
            CtestError: One cannot be had.
        """
        for group in self._plans.select(aliases):
            if group.label not in self._templates:
                template = self._identify(group)
                was_there = self._store.ensure(
                    template, self._setup, self._create, functools.partial(self._lend, group)
                )
                self._servers.offer(template, was_there=was_there)
                self._templates[group.label] = template

    def _lend(self, group: DatabaseGroup) -> Sequence[Lease]:
        """The databases of other servers that the migrations of a group may read."""
        aliases = self._plans.dependencies(group)
        self.prepare(aliases)
        # A connection that is open while a child is forked is the child's to spoil, too.
        connections.disconnect(self._parent_settings)
        return self._servers.await_leases(PARENT, aliases)

    def lend_to_parent(self, aliases: Collection[str]) -> None:
        """Point the parent's own connections at databases of its own.

        Raises:
            CtestError: A server for them does not start.
        """
        self.prepare(aliases)
        for lease in self._servers.await_leases(PARENT, aliases):
            if lease.alias not in self._parent_settings:
                self._parent_settings[lease.alias] = connections.settings_of(lease.alias)
                connections.redirect(lease)

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
        batches = make_batches(tests, aliases)
        if self._setup.spawned:
            batches = _run_what_cannot_be_sent(batches, result)
        self._finish_with_parent()
        self._read_timings()
        plan = plan_workers(
            asked=self._asked,
            cores=os.cpu_count() or 1,
            batches=len(batches),
            available_bytes=available_bytes(),
            minimum=self._config.min_workers,
            maximum=self._config.max_workers,
            measured_bytes=self._worker_bytes(aliases),
        )
        for reason in self._limits.inversions():
            self._report(LimitsInverted(reason=reason))
        limits = tuple((limit.workers, limit.reason) for limit in plan.limits)
        self._report(
            WorkersPlanned(
                workers=plan.workers, reason=plan.reason, limits=limits, warnings=plan.warnings
            )
        )
        self._forecast.remember(self._selection, Needs(tuple(sorted(aliases)), plan.workers))
        self._expect_servers(plan.workers, batches)
        portable = _pickled(batches) if self._setup.spawned else batches

        def start(number: int) -> WorkerProcess:
            host = self._host_client.descriptors() if self._host_client is not None else ()
            return WorkerProcess(
                Assignment(
                    worker=number,
                    setup=self._setup,
                    batches=portable,
                    serialized=frozenset(serialized),
                    failfast=failfast,
                    buffer=buffer,
                    debug_sql=debug_sql,
                    limit_seconds=self._limits.per_test,
                    stack_file=self._scratch() / f"w{number}.stack",
                    close=(*host, *pool.descriptors()),
                )
            )

        pool = WorkerPool(
            workers=plan.workers,
            batches=self._in_order(batches) if reorder and plan.workers > 1 else batches,
            databases=self._servers,
            start=start,
            report=self._report,
            stopping=lambda: bool(result.shouldStop),
            limits=self._limits,
        )
        replay, timings = ReplayReport(result, tests), TimingsReport()
        self._reports += [replay, timings]
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
            self._reports.remove(replay)
            self._reports.remove(timings)
            self._measured = timings.measured
        if self.failure is not None:
            result.stop()
            self._say_what_was_not_run(pool.not_run)

    def _in_order(self, batches: Sequence[Batch]) -> list[Batch]:
        return longest_first(batches, expected_seconds(batches, self._timings))

    def _read_timings(self) -> None:
        self._timings, trouble = self._timings_file.read()
        self._say_of_timings(trouble)

    def _worker_bytes(self, aliases: Collection[str]) -> int | None:
        """What a worker and its servers took in past runs."""
        groups = self._plans.select(aliases)
        return self._timings.worker_bytes(
            group.label for group in groups if group.vendor is not Vendor.SQLITE
        )

    def _say_of_timings(self, trouble: str) -> None:
        if trouble:
            self._report(TimingsLost(reason=trouble))

    def _say_what_was_not_run(self, count: int) -> None:
        assert self.failure is not None
        left = "Every test was run." if not count else f"{plural(count, 'test')} not run."
        if isinstance(self.failure, InterruptedRunError):
            # The last test may just have ended when the key was pressed.
            self.failure.message = f"Interrupted: {left}"
            self.failure = self.failure if count else None
        else:
            self.failure.message += f"\n{left}"

    def _lend_to_parent(self, alias: str) -> None:
        if alias not in self._parent_settings:
            self.lend_to_parent([alias])

    def _finish_with_parent(self) -> None:
        """Give back what the parent used; nothing of it may be open when workers are forked."""
        connections.restore(self._parent_settings)
        self._servers.discard(PARENT)
        self._parent_settings.clear()

    def _expect_servers(self, workers: int, batches: Sequence[Batch]) -> None:
        self._servers.keep_workers(workers)
        for template in self._templates.values():
            users = [batch for batch in batches if batch.aliases & set(template.group.aliases)]
            for worker in range(1, min(workers, len(users)) + 1):
                self._servers.expect(worker, [template])

    def _identify(self, group: DatabaseGroup) -> Template:
        server = group.vendor is not Vendor.SQLITE
        base = base_image(group.vendor, group.image) if server else None
        return identify(
            project=self._project,
            group=group,
            inputs=(
                *schema_inputs(group, extra_files=self._config.fingerprint_files),
                *self._runner_inputs,
            ),
            base=base,
            base_digest=self._store.base_digest(base),
        )

    def _host(self) -> ServerHostClient:
        if self._host_client is None:
            self._host_client = ServerHostClient(
                run=self.run_id,
                folder=self._scratch(),
                project=self._project,
                transport=self._config.transport,
            )
        return self._host_client

    def _scratch(self) -> Path:
        if self._folder is None:
            for dead in dead_run_folders():
                remove_folder(dead)
            self._folder = make_run_folder(self.run_id)
        return self._folder

    def _report(self, event: Event) -> None:
        for report in self._reports:
            report.handle(event)

    def _close(self) -> None:
        try:
            connections.restore(self._parent_settings)
        finally:
            if self._host_client is not None:
                closed = self._host_client.close()
                if closed.left:
                    self._report(ContainersLeft(containers=closed.left, reason=closed.reason))
                self._measured.memory.update(closed.peaks)
            if self._folder is not None:
                remove_folder(self._folder)
            if self._measured.tests:
                self._say_of_timings(self._timings_file.merge(self._measured))


def _run_what_cannot_be_sent(batches: Sequence[Batch], result: unittest.TestResult) -> list[Batch]:
    """Run modules that could not be imported here, and give the other batches.

    Each stands for its ImportError, which often cannot be pickled, and needs no worker to raise it.
    """
    left = []
    for batch in batches:
        if isinstance(batch.tests[0], unittest.loader._FailedTest):  # type: ignore[attr-defined]
            unittest.TestSuite(batch.tests).run(result)
        else:
            left.append(batch)
    return left


def _pickled(batches: Sequence[Batch]) -> bytes:
    try:
        return pickle.dumps(list(batches))
    except Exception as error:
        raise UsageError(
            f"The tests cannot be sent to spawned workers: {error}.",
            "Use --start-method fork, or keep what cannot be pickled out of the test's __init__.",
        ) from error
