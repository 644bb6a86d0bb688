"""Django's test runner with containers, which can be combined with a project's own runner."""

from __future__ import annotations

import argparse
import functools
import logging
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Protocol

from django.conf import settings
from django.db import connections
from django.test.runner import DiscoverRunner
from django.test.utils import iter_test_cases  # type: ignore[attr-defined]  # not in the stubs
from django.utils.module_loading import import_string

from ctest_containers.config import Config, resolve
from ctest_containers.config.arguments import add_options
from ctest_containers.errors import UsageError
from ctest_containers.events import Phase
from ctest_containers.fingerprint import Input
from ctest_containers.project import settings as project_settings
from ctest_containers.project.connections import log_queries, mark_expectations
from ctest_containers.project.interrupts import interruptible
from ctest_containers.project.overrides import sources_of
from ctest_containers.report import Report
from ctest_containers.session import Session
from ctest_containers.session.combinations import check_combinations
from ctest_containers.session.exits import exiting_on_errors
from ctest_containers.session.reporting import Reporting, quiet, reporting
from ctest_containers.session.request import RunRequest, selection_of
from ctest_containers.session.suite import IsolatedTestSuite
from ctest_containers.supply.resource import Resource


class Action(Protocol):
    """What a command does with the project's runner instead of running tests."""

    def __call__(self, runner: ContainerRunnerMixin, test_labels: list[str], /) -> int:
        """Return what Django takes for the number of failed tests; with 0 the command passes."""


class ContainerRunnerMixin(DiscoverRunner):
    """Runs tests in workers with their own databases; put it before a runner class.

    The runner's own `setup_databases` runs while a template is built, so that whatever it adds to
    the test database is part of the template.
    """

    parallel_test_suite = IsolatedTestSuite
    base_runner: str | None = None
    """The path of the runner that this class was combined with; None for a class with a path."""

    session: Session | None = None
    is_live = False
    """Whether a live display on the terminal shows the progress of the run."""
    debugs = False
    """Whether tests that fail are debugged."""

    def __init__(self, *args: Any, runner_action: Action | None = None, **kwargs: Any) -> None:
        names = [row.name for row in fields(Config)]
        self._options = {name: kwargs.pop(name, None) for name in names}
        # Django would refuse it beside --parallel, and debug in this process.
        self.debugs = bool(kwargs.pop("pdb", False))
        super().__init__(*args, **kwargs)
        self._action = runner_action
        self._asked = self.parallel or None
        self._building = False

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the toolkit's options to those of Django."""
        super().add_arguments(parser)
        add_options(parser)

    def run_tests(self, test_labels: Any, **kwargs: Any) -> int:
        """Run the tests, or the action instead, and return how many failed.

        Raises:
            SystemExit: The run cannot be set up; a message has been printed.
        """
        if self._action is not None:
            return self._action(self, list(test_labels or ()))
        return self.run_reported(test_labels, (), **kwargs)

    def run_reported(self, test_labels: Any, others: Sequence[Report], **kwargs: Any) -> int:
        """Run the tests, give the events of the run to other reports as well, and count failures.

        Raises:
            SystemExit: The run cannot be set up; a message has been printed.
        """
        with exiting_on_errors():
            config = self.resolve()
            check_combinations(config, pdb=self.debugs)
            if self._options["flaky"] is not None and not config.rerun:
                self.log("--flaky has no effect without --rerun.", logging.WARNING)
            if config.stress is not None and self.shuffle is False:
                # Django chooses a seed, and prints it.
                self.shuffle = None  # type: ignore[assignment]  # What `--shuffle` alone gives.
            may_move = self.verbosity == 1
            reports = reporting(config, log=self.log, may_move=may_move, pdb=self.debugs)
            reports = replace(reports, reports=(*reports.reports, *others))
            self.is_live = reports.is_live
            with self._new_session(test_labels, config, reports) as session:
                self.session = session
                if self.keepdb:
                    self.log(
                        "--keepdb has no effect: templates are always kept, and each worker's "
                        "database is new.",
                        logging.INFO,
                    )
                failed = super().run_tests(test_labels, **kwargs)
            if session.flaky:
                self.log(f"{len(session.flaky)} flaky (--flaky {config.flaky}).", logging.INFO)
            if session.failure is not None:
                raise session.failure
            return failed

    def resolve(self) -> Config:
        """Return the effective configuration."""
        return resolve(
            settings=project_settings.options(),
            environment=os.environ,
            options=self._options,
        )

    def quiet_session(self, test_labels: Sequence[str]) -> Session:
        """Return a session for something else than a run: it reports only essential messages.

        Raises:
            UsageError: Options are invalid, or cannot be combined.
        """
        config = self.resolve()
        check_combinations(config, pdb=self.debugs, runs_tests=False)
        return self._new_session(test_labels, config, quiet(self.log))

    def _new_session(self, test_labels: Any, config: Config, reports: Reporting) -> Session:
        request = RunRequest(
            config=config,
            selection=selection_of(self, test_labels, config),
            selects_all=not (
                test_labels or self.tags or self.exclude_tags or self.test_name_patterns
            ),
            asked=self._asked,
            debug_mode=self.debug_mode,
            prepare_spawned=(
                self.parallel_test_suite.process_setup,
                self.parallel_test_suite.process_setup_args,
            ),
            runner_inputs=self.fingerprint_inputs(),
            create=self.create_databases,
            spawn_create=functools.partial(
                create_databases,
                self.base_runner or f"{type(self).__module__}.{type(self).__qualname__}",
                verbosity=self.verbosity,
            ),
            resources=self.resources(),
            pdb=self.debugs,
        )
        return Session(request, reports)

    def resources(self) -> Sequence[Resource]:
        """Return what each worker gets for itself besides databases; for subclasses to override."""
        return ()

    def build_suite(self, *args: Any, **kwargs: Any) -> Any:  # Django 4.2 gives two.
        """Discover the tests, while the servers that the last run needed come up."""
        if self.session is None:
            return super().build_suite(*args, **kwargs)
        with interruptible():
            return self._discover(*args, **kwargs)

    def _discover(self, *args: Any, **kwargs: Any) -> Any:
        assert self.session is not None
        self.session.begin(Phase.DISCOVERY)
        self.session.start_early(is_selected=False)
        # So that Django does not use its own parallel suite.
        self.parallel = 1
        suite = super().build_suite(*args, **kwargs)
        tests = self.session.selected(list(iter_test_cases(suite)))
        self.session.start_early(is_selected=True)
        return IsolatedTestSuite(tests, self, self.session, is_live=self.is_live)

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        """Count flaky tests as failed if the run is to fail for them."""
        flaky = 0 if self.session is None else self.session.flaky_failures
        return flaky + int(super().suite_result(suite, result, **kwargs))

    def setup_databases(self, **kwargs: Any) -> Any:
        """Make sure that the templates exist; each worker gets its databases from them.

        In the process that builds a template, create the databases as Django does.
        """
        session = self.session
        if session is None or self._building:
            return super().setup_databases(**kwargs)
        aliases = kwargs.get("aliases")
        used = set(connections) if aliases is None else set(aliases)
        with self.time_keeper.timed("  Templates"), interruptible():
            session.prepare(used)
        if self.debug_sql:
            log_queries()
        mark_expectations(used)
        return []

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        """Destroy nothing: the session removes what it started."""

    def create_databases(self, aliases: Sequence[str], keep: bool) -> None:  # noqa: FBT001
        """Create and migrate test databases, as the project's own runner does.

        Args:
            keep: Whether they exist already, and lack only some migrations.
        """
        self.interactive = False
        self.keepdb = keep
        self._building = True
        self.setup_databases(aliases=aliases, serialized_aliases=())

    @classmethod
    def fingerprint_inputs(cls) -> list[Input]:
        """The project's own code that writes into the databases of a template."""
        return sources_of(cls, "setup_databases", but=(ContainerRunnerMixin, DiscoverRunner))


class ContainerTestRunner(ContainerRunnerMixin, DiscoverRunner):
    """Django's runner, with a database for each worker; for the setting `TEST_RUNNER`."""


class ProjectTestRunner:
    """The runner that the settings name, combined with containers.

    Django imports a runner by its path, and this one is known only when the settings are.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """The project's own runner."""
        return combined(settings.TEST_RUNNER)(*args, **kwargs)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of the project's own runner."""
        combined(settings.TEST_RUNNER).add_arguments(parser)


@functools.cache
def combined(path: str) -> type[ContainerRunnerMixin]:
    """Return a project's own runner class, combined with containers.

    Args:
        path: The dotted path of the class.

    Raises:
        UsageError: It cannot be imported, or is not a subclass of `DiscoverRunner`.
    """
    try:
        own = import_string(path)
    except ImportError as error:
        raise UsageError(f"The test runner {path!r} cannot be imported: {error}.") from error
    if not (isinstance(own, type) and issubclass(own, DiscoverRunner)):
        raise UsageError(
            f"TEST_RUNNER {path!r} is not a subclass of django.test.runner.DiscoverRunner.",
            "Choose another one for this run: --testrunner django.test.runner.DiscoverRunner.",
        )
    if issubclass(own, ContainerRunnerMixin):
        return own
    return type(own.__name__, (ContainerRunnerMixin, own), {"base_runner": path})


def create_databases(
    path: str,
    aliases: Sequence[str],
    keep: bool,  # noqa: FBT001
    *,
    verbosity: int,
) -> None:
    """Create and migrate test databases in a child process that was spawned."""
    combined(path)(verbosity=verbosity).create_databases(aliases, keep)


__all__ = ["Action", "ContainerRunnerMixin", "ContainerTestRunner", "ProjectTestRunner", "combined"]
