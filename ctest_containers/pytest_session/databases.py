"""The databases of one process of pytest."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import connections as configured
from django.test import runner, utils

from ctest_containers.capacity.memory import private_bytes
from ctest_containers.config import limits_of
from ctest_containers.errors import CtestError, TemplateError
from ctest_containers.events import Event, TemplateAwaited
from ctest_containers.isolated import Server, Template
from ctest_containers.project import connections, isolation
from ctest_containers.project import settings as project_settings
from ctest_containers.project.process import ProjectSetup, pickled_call, spawns
from ctest_containers.project.threads import may_fork
from ctest_containers.pytest_session.configuration import resolved
from ctest_containers.pytest_session.creation import (
    create_databases,
    create_from_models,
    creation_of_settings,
    load_configurations,
    migrates,
)
from ctest_containers.report.messages import words
from ctest_containers.reset import Flushes
from ctest_containers.service import keep, recipe_of, reuse, service_file
from ctest_containers.storage import cache_folder
from ctest_containers.supply.earlier_runs import start_ahead
from ctest_containers.supply.supply import Supply
from ctest_containers.timings import Measured, TimingsFile
from ctest_containers.timings.model import PROCESS
from ctest_containers.timings.store import default_path
from ctest_containers.workers.alarm import alarm

PATCHED = (
    (utils, "setup_databases"),
    (utils, "teardown_databases"),
    (runner, "_setup_databases"),
    (runner, "_teardown_databases"),
)
"""Where Django's functions are found by those who want test databases."""

NO_DATABASES: Final = "The test databases could not be created."

KEPT: Final = "pytest"
"""The name of the service that has the databases of --reuse-db, a slot for each worker."""


class PytestDatabases:
    """Takes the place of Django's creation of test databases until it is closed.

    Args:
        worker: The number of this process among those that run tests.
        began: When the session began, in seconds since the epoch.
        renew: Whether templates that are older than that are made anew.
        reuse: Whether databases are those that the last session has left, and stay for the next.
        say: Takes each line that a person may want to see.
        stop: Ends the session after the test that is running; takes the reason.

    Raises:
        UsageError: There are no settings, or an option in them or in the environment is wrong.
    """

    def __init__(
        self,
        *,
        worker: int,
        began: float,
        renew: bool,
        reuse: bool,
        say: Callable[[str], None],
        stop: Callable[[str], None],
    ) -> None:
        self._worker = worker
        self._reuse = reuse
        self._say = say
        self._stop = stop
        self._config = config = replace(resolved(), rebuild=renew or resolved().rebuild)
        self._how = creation_of_settings()
        self._exit = ExitStack()
        start_ahead(cache_folder(), Path.cwd())
        self._supply = Supply(
            config=config,
            setup=self._project_setup(),
            create=functools.partial(create_databases, self._how),
            report=self._report,
            began=began,
        )
        self._template = Template(self._supply)
        timings = config.timings_file or default_path(self._supply.project)
        self._timings = TimingsFile(Path(timings))
        self._to_call = config.worker_setup
        folder = self._supply.host.folder() / f"w{worker}"
        self._own = isolation.Worker(number=worker, run=self._supply.host.run_id, folder=folder)
        folder.mkdir()
        if config.separate:
            # Temporary files are pytest's own business, which keeps those of the last runs.
            isolation.separate(self._own, temporary_files=False)
        self._exit.enter_context(self._supply.lending())
        self._exit.enter_context(Flushes(config.reset, worker, self._report).installed())
        for module, name in PATCHED:
            self._exit.callback(setattr, module, name, getattr(module, name))
            instead = self._teardown if "teardown" in name else self._setup
            setattr(module, name, instead)

    def _project_setup(self) -> ProjectSetup:
        """How the process that builds a template starts.

        A fork keeps what conftest files and fixtures have changed. If another thread might hold a
        lock, the process is spawned instead.
        """
        spawned = spawns(self._config.start_method) or not may_fork()
        return ProjectSetup(
            spawned=spawned,
            prepare=pickled_call(load_configurations),
            settings=project_settings.without_module() if spawned else b"",
        )

    def close(self) -> None:
        """Give Django its functions and settings back, and remove every server."""
        try:
            self._exit.close()
        finally:
            closed = self._supply.close()
        if closed is not None:
            measured = Measured()
            measured.memory.update({PROCESS: private_bytes() or 0, **closed.peaks})
            self._timings.merge(measured)

    def say_ages(self) -> None:
        """Say how old the templates are on which a test has failed, where it may matter."""
        self._supply.databases.say_ages()

    def set_up_worker(self) -> str:
        """Call the project's own function for workers, which may use databases as tests do.

        Returns:
            What went wrong in it, with its traceback; empty if nothing did.
        """
        if self._to_call:
            try:
                with alarm(limits_of(self._config).per_test):
                    isolation.set_up(self._to_call, self._own)
            except isolation.SetupFailure as failure:
                return str(failure)
        return ""

    @contextmanager
    def spare(self) -> Iterator[Server]:
        """Databases that nobody else uses, made from the templates, as long as the block lasts."""
        with ExitStack() as spawned:
            with _errors_in_words(self._say, self._stop):
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
        """What `django.test.utils.setup_databases` does, with databases of this process."""
        used = set(configured if aliases is None else aliases)
        if not migrates():
            self._how.migrate = False
            create_from_models(configured)
        with _errors_in_words(self._say, self._stop):
            self._supply.databases.setup = self._project_setup()
            if used and self._reuse:
                self._use_what_was_left(fresh=not keepdb)
            self._supply.parent.lend(used)
        connections.serialize(used if serialized_aliases is None else serialized_aliases)
        connections.mark_expectations(used)
        return []

    def _use_what_was_left(self, *, fresh: bool) -> None:
        """Use the databases that the last session has left, and leave them for the next one.

        Args:
            fresh: Whether to begin with new ones all the same.
        """
        supply = self._supply
        file = service_file(supply.project, KEPT)
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
                "Another session uses the databases that --reuse-db keeps; these are new. If there "
                "is none: python -m ctest_containers service down --name pytest"
            )
            return
        self._exit.callback(keep, file, self._worker, slot.lease)
        supply.parent.use(slot.leases().values())

    def _teardown(self, *_: Any, **__: Any) -> None:
        """What `django.test.utils.teardown_databases` does."""
        self._supply.release_parent()

    def _report(self, event: Event) -> None:
        # The other run is a worker of the same session, as a rule.
        if isinstance(event, TemplateAwaited) and "PYTEST_XDIST_WORKER" in os.environ:
            return
        for level, text in words(event):
            if level >= logging.INFO:
                self._say(text)


@contextmanager
def _errors_in_words(say: Callable[[str], None], stop: Callable[[str], None]) -> Iterator[None]:
    """Let tests fail with what is wrong and what to do, not with where that came about.

    Without a template, no test that uses a database can run: the session ends, and the reason is
    given once.
    """
    trouble = ""
    is_hopeless = False
    try:
        yield
    except CtestError as error:
        trouble, is_hopeless = str(error), isinstance(error, TemplateError)
    if is_hopeless:
        # With pytest-xdist, the process that has the terminal says it once for all workers.
        for line in trouble.splitlines():
            say(line)
        stop(NO_DATABASES)
        trouble = f"{NO_DATABASES} The output of this session gives the reason once."
    if trouble:
        # The error itself would be shown as its cause.
        raise pytest.fail.Exception(trouble, pytrace=False) from None
