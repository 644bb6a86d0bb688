"""The databases of one process of pytest."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from django.db import connections as configured
from django.test import runner, utils

from ctest_containers.capacity.memory import private_bytes
from ctest_containers.config import Config, limits_of
from ctest_containers.errors import CtestError, TemplateError
from ctest_containers.events import Event, TemplateAwaited
from ctest_containers.isolated import Server, Template
from ctest_containers.opening.exports import export_failures
from ctest_containers.project import connections, isolation
from ctest_containers.project import settings as project_settings
from ctest_containers.project.process import ProjectSetup, pickled_call, spawns
from ctest_containers.project.threads import may_fork
from ctest_containers.pytest_session.creation import (
    create_databases,
    create_from_models,
    creation_of_settings,
    load_configurations,
    migrates,
)
from ctest_containers.pytest_session.keeping import FailureWatch
from ctest_containers.report.messages import lines_of
from ctest_containers.reset import Flushes
from ctest_containers.service import keep, recipe_of, reuse, service_file
from ctest_containers.storage import cache_folder
from ctest_containers.supply.earlier_runs import start_ahead
from ctest_containers.supply.supply import Supply
from ctest_containers.timings import Measured, TimingsFile
from ctest_containers.timings.model import PROCESS
from ctest_containers.timings.store import default_path
from ctest_containers.workers.alarm import alarm

if TYPE_CHECKING:
    from ctest_containers.pytest_session.summaries import Summaries

PATCHED = (
    (utils, "setup_databases"),
    (utils, "teardown_databases"),
    (runner, "_setup_databases"),
    (runner, "_teardown_databases"),
)
"""The places where callers find Django's functions for test databases."""

NO_DATABASES: Final = "The test databases could not be created."

REUSED: Final = "pytest"
"""The name of the service with the databases of --reuse-db, which has a slot for each worker."""


class PytestDatabases:
    """Replaces Django's creation of test databases until it is closed.

    Args:
        worker: The number of this process among those that run tests.
        began: When the session began, in seconds since the epoch.
        renew: Whether to rebuild templates that are older than that.
        reuse: Whether to use the databases of the last session, and keep them for the next one.
        config: The configuration of the project.
        say: Called with each line to show to the user.
        stop: Called with a reason; ends the session after the running test.

    Attributes:
        folder: A folder of this process.
        unrecorded: Returns a block in which nothing counts as used by tests.

    Raises:
        UsageError: The configuration contradicts the settings.
    """

    def __init__(
        self,
        *,
        worker: int,
        began: float,
        renew: bool,
        reuse: bool,
        config: Config,
        say: Callable[[str], None],
        stop: Callable[[str], None],
    ) -> None:
        self._worker = worker
        self._reuse = reuse
        self._say = say
        self._stop = stop
        self._config = config = replace(config, rebuild=renew or config.rebuild)
        self._creation = creation_of_settings()
        self._exit = ExitStack()
        start_ahead(cache_folder(), Path.cwd())
        self._supply = Supply(
            config=config,
            setup=self._project_setup(),
            create=functools.partial(create_databases, self._creation),
            report=self._report,
            began=began,
        )
        self._template = Template(self._supply)
        timings = config.timings_file or default_path(self._supply.project)
        self._timings = TimingsFile(Path(timings))
        self._worker_setup = config.worker_setup
        self._summaries: Summaries | None = None
        self.unrecorded: Callable[[], AbstractContextManager[None]] = nullcontext
        self.folder = folder = self._supply.host.folder() / f"w{worker}"
        self._own = isolation.Worker(number=worker, run=self._supply.host.run_id, folder=folder)
        folder.mkdir()
        self.failures = FailureWatch(self._supply, lambda: self._supply.parent.leases, folder)
        if config.separate:
            # Temporary files are left to pytest, which keeps those of the last runs.
            isolation.separate(self._own, temporary_files=False)
        self._exit.enter_context(self._supply.lending())
        self._exit.enter_context(Flushes(config.reset, worker, self._report).installed())
        for module, name in PATCHED:
            self._exit.callback(setattr, module, name, getattr(module, name))
            instead = self._teardown if "teardown" in name else self._setup
            setattr(module, name, instead)

    def _project_setup(self) -> ProjectSetup:
        """Return how the process that builds a template loads the project.

        A fork keeps the changes of conftest files and fixtures. If another thread might hold a
        lock, the process is spawned instead.
        """
        spawned = spawns(self._config.start_method) or not may_fork()
        return ProjectSetup(
            spawned=spawned,
            prepare=pickled_call(load_configurations),
            settings=project_settings.without_module() if spawned else b"",
        )

    def close(self) -> None:
        """Restore Django's functions and settings, and remove every server."""
        try:
            self._exit.close()
        finally:
            closed = self._supply.close()
        if closed is not None:
            measured = Measured()
            measured.memory.update({PROCESS: private_bytes() or 0, **closed.peaks})
            self._timings.merge(measured)

    def say_after_failures(self) -> None:
        """Report the age of the templates, which may be why a test has failed, and what is kept."""
        self._supply.databases.say_ages()
        for event in export_failures(self._supply.kept_failures, self._config, Path.cwd()):
            self._report(event)
        self._supply.say_kept()

    def summarize_in(self, folder: Path) -> Summaries:
        """Summarize databases before tests use them, and return the summaries.

        Args:
            folder: A folder that the processes of the session share.
        """
        # Other sessions do not need what it imports.
        from ctest_containers.pytest_session.summaries import Summaries

        self._summaries = Summaries(self._supply, folder, self._say)
        return self._summaries

    def set_up_worker(self) -> str:
        """Call the project's `worker_setup`, which may use databases as tests do.

        Returns:
            Its error, with a traceback; empty if it has succeeded.
        """
        if self._worker_setup:
            try:
                with alarm(limits_of(self._config).per_test):
                    isolation.set_up(self._worker_setup, self._own)
            except isolation.SetupFailure as failure:
                return str(failure)
        return ""

    @contextmanager
    def spare(self) -> Iterator[Server]:
        """Copy the templates' databases for the body, and remove the copies after it."""
        with ExitStack() as spawned:
            with self.unrecorded(), _readable_errors(self._say, self._stop):
                self._supply.prepare(list(configured))
                server = spawned.enter_context(self._template.spawn())
            yield server

    def _setup(
        self,
        *_: Any,
        aliases: Sequence[str] | None = None,
        serialized_aliases: Sequence[str] | None = None,
        keepdb: bool = False,
        **__: Any,
    ) -> list[Any]:
        """Replace `django.test.utils.setup_databases`: lend databases to this process."""
        with self.unrecorded():
            used = set(configured if aliases is None else aliases)
            self._lend(used, fresh=not keepdb)
            connections.serialize(used if serialized_aliases is None else serialized_aliases)
            connections.mark_expectations(used)
        return []

    def _lend(self, used: Collection[str], *, fresh: bool) -> None:
        if not migrates():
            self._creation.migrate = False
            create_from_models(configured)
        with _readable_errors(self._say, self._stop):
            self._supply.databases.setup = self._project_setup()
            if used and self._summaries is not None:
                self._summaries.read(used)
            if used and self._reuse:
                self._reuse_databases(fresh=fresh)
            self._supply.parent.lend(used)

    def _reuse_databases(self, *, fresh: bool) -> None:
        """Use the databases of the last session, and keep them for the next one.

        Args:
            fresh: Whether to replace them by new ones.
        """
        supply = self._supply
        file = service_file(supply.project, REUSED)
        aliases = [alias for group in supply.databases.plans.groups for alias in group.aliases]
        slot = reuse(
            file,
            self._worker,
            project=supply.project,
            recipe=recipe_of(supply, self._config, aliases),
            folder=Path.cwd(),
            fresh=fresh,
        )
        if slot is None or slot.lease is None:
            self._say(
                "Another session uses the databases of --reuse-db, so this one uses new ones. If "
                "no other session is running, run: python -m ctest_containers service down "
                "--name pytest"
            )
            return
        self._exit.callback(keep, file, self._worker, slot.lease)
        supply.parent.use(slot.leases().values())

    def _teardown(self, *_: Any, **__: Any) -> None:
        """Replace `django.test.utils.teardown_databases`: release the databases."""
        with self.unrecorded():
            self._supply.release_parent()

    def _report(self, event: Event) -> None:
        # The other run is usually a worker of the same session.
        if isinstance(event, TemplateAwaited) and "PYTEST_XDIST_WORKER" in os.environ:
            return
        for level, text in lines_of(event):
            if level >= logging.INFO:
                self._say(text)


@contextmanager
def _readable_errors(say: Callable[[str], None], stop: Callable[[str], None]) -> Iterator[None]:
    """Let tests fail with the message of an error, without a traceback.

    Without a template, no test that uses a database can run: the session ends, and its output
    gives the reason once.
    """
    message = ""
    is_hopeless = False
    try:
        yield
    except CtestError as error:
        message, is_hopeless = str(error), isinstance(error, TemplateError)
    if is_hopeless:
        # With pytest-xdist, the process that has the terminal shows it once for all workers.
        for line in message.splitlines():
            say(line)
        stop(NO_DATABASES)
        message = f"{NO_DATABASES} The reason is in this session's output."
    if message:
        # Without `from None`, pytest would show the error itself as the cause.
        raise pytest.fail.Exception(message, pytrace=False) from None
