"""The databases of one run: their templates, the servers spawned from them, and their end."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ctest_containers.backends.environment import set_aside_variables
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.errors import CtestError, EngineError, UsageError
from ctest_containers.events import Event, Phase, PhaseStarted, TemplateDated, TemplatesPruned
from ctest_containers.fingerprint import Input
from ctest_containers.model import DatabaseGroup
from ctest_containers.project import connections, guard
from ctest_containers.project.databases import DatabasePlans
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.schema import schema_inputs
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.servers import warm_start
from ctest_containers.servers.requests import Closed
from ctest_containers.session.builders import Builders, most_builders
from ctest_containers.session.database_plans import plan_for
from ctest_containers.session.parent_databases import ParentDatabases
from ctest_containers.session.run_host import RunHost
from ctest_containers.session.servers import WorkerServers
from ctest_containers.storage import cache_folder
from ctest_containers.template import Template, TemplateProvider, TemplateRepository, identify
from ctest_containers.template.base import base_image
from ctest_containers.template.build import CreateDatabases

IMAGES_SECONDS: Final = 7200.0
"""How long making an image for a template may take, and that of the template itself."""


class RunDatabases:
    """What has to do with databases in a run, or in a program that wants some.

    Args:
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
        create: Creates and migrates the test databases of some aliases, in a child process.
        began: When the run began, in seconds since the epoch; with the option `rebuild`, templates
            that were made before are made again. None for now.
    """

    def __init__(
        self,
        *,
        config: Config,
        setup: ProjectSetup,
        create: CreateDatabases,
        runner_inputs: Sequence[Input],
        report: Callable[[Event], None],
        began: float | None = None,
    ) -> None:
        if config.push and not config.registry:
            raise UsageError("There is no registry to push to.", "Name one with --registry.")
        self.began = time.time() if began is None else began
        self._set_aside = set_aside_variables()
        self.cache = cache_folder()
        # Tests may remove the folder that they run in.
        self._here = Path.cwd()
        self.project = project_of(config)
        self._has_asked = False
        self.plans = DatabasePlans((), {})
        self._config = config
        self.setup = setup
        self._create = create
        self._runner_inputs = tuple(runner_inputs)
        self._report = report
        self.host = RunHost(self.project, config.transport)
        # Another run may build the same template first, and images may have to be made.
        self._builders = Builders(report, 2 * config.build_timeout + IMAGES_SECONDS)
        verify = config.verify_templates
        self.repository = TemplateRepository(
            folder=self.cache,
            host=self.host.client,
            server_timeout_seconds=config.server_timeout,
        )
        self.provider = TemplateProvider(
            repository=self.repository,
            host=self.host.client,
            report=report,
            places=PortablePaths.here(),
            server_timeout_seconds=config.server_timeout,
            server_memory_bytes=config.server_memory,
            build=config.build,
            build_timeout_seconds=config.build_timeout,
            registry=config.registry,
            push=config.push,
            verify=bool(os.environ.get("CI")) if verify is None else verify,
            renew_before=self.began if config.rebuild else None,
            most_seconds=config.template_max_age,
        )
        self.servers = WorkerServers(
            host=self.host.client,
            provider=self.provider,
            report=report,
            folder=self.host.folder,
        )
        self._templates: dict[str, Template] = {}
        self._preparing: set[str] = set()
        self.parent = ParentDatabases(
            self.servers, prepare=self.prepare, preparing=self._preparing, facts=self.facts
        )
        self._built = False

    def read_settings(self) -> None:
        """Find out which databases there are to be; before any alias has been redirected.

        Raises:
            UsageError: The options name an image for an unknown alias, or a server setting that is
                not allowed.
        """
        self.plans = plan_for(self._config)

    def identify(self, group: DatabaseGroup) -> Template:
        """The template that a group needs today; without a manifest where it does not exist."""
        return self.provider.choose(self.describe(group)).template

    def describe(self, group: DatabaseGroup) -> Template:
        """The template that a group needs today, without looking whether it exists."""
        base = base_image(group.vendor, group.image) if group.has_server else None
        return identify(
            project=self.project,
            group=group,
            inputs=(
                *schema_inputs(group, extra_files=self._config.fingerprint_files),
                *self._runner_inputs,
            ),
            base=base,
            base_digest=self.provider.base_digest(base),
        )

    def expect(self, aliases: Collection[str], workers: int) -> None:
        """Start the servers that these aliases needed last time, before it is known whether."""
        try:
            wanted = [self.identify(group) for group in self.plans.select(aliases)]
        except EngineError:
            # The engine that is away may not be needed this time.
            return
        templates = [template for template in wanted if template.manifest]
        for worker in range(1, workers + 1):
            self.servers.expect(worker, templates)

    def start_no_others(self) -> None:
        """Give up what was started ahead of time, now that all has been asked for."""
        self._has_asked = True
        self.host.drop_ahead()

    def prepare(self, aliases: Collection[str]) -> None:
        """Make sure that the templates for these aliases exist, building them if need be.

        Raises:
            CtestError: One cannot be had.
        """
        wanted = [one for one in self.plans.select(aliases) if one.label not in self._templates]
        known: dict[str, Template] = {}
        own = [alias for group in wanted for alias in group.aliases if alias not in self._preparing]
        self._preparing.update(own)
        try:
            apart, most = self._built_apart(wanted, known)
            with self._builders.working(apart, self.setup, self._ensure_apart, most):
                for group in wanted:
                    self._prepare(group, known)
        finally:
            self._preparing.difference_update(own)

    def _prepare(self, group: DatabaseGroup, known: dict[str, Template]) -> None:
        """Make sure that the template for a group exists.

        Args:
            known: Templates that are needed, by the labels of their groups; forgotten when time
                has been spent on one.
        """
        done = self._builders.result(group)
        if done is None:
            template = known.get(group.label) or self._identify(group)
            self._report(PhaseStarted(phase=Phase.TEMPLATE))
            read = self.plans.dependencies(group)
            lend = functools.partial(self.parent.disconnect_and_lend, read)
            done = self.provider.ensure(template, self.setup, self._create, lend)
        template, was_there = done
        if not was_there:
            self._built = True
            known.clear()
        self.servers.offer(template, was_there=was_there)
        self._templates[group.label] = template
        for alias, facts in template.facts.items():
            if alias not in self.parent:
                connections.remember(alias, facts)

    def _identify(self, group: DatabaseGroup) -> Template:
        self._report(PhaseStarted(phase=Phase.FINGERPRINT))
        return self.identify(group)

    def _built_apart(
        self, groups: Sequence[DatabaseGroup], known: dict[str, Template]
    ) -> tuple[Sequence[DatabaseGroup], int]:
        """The groups whose templates are built in processes of their own.

        Args:
            known: Gets the templates that groups need.

        Returns:
            The groups, none if only one can be built at a time, and how many are at the same time.
        """
        if len(groups) < 2 or self.setup.spawned:
            return (), 0
        known.update({group.label: self._identify(group) for group in groups})
        missing = [
            group
            for group in groups
            if not self.plans.dependencies(group)
            and (self._config.rebuild or not known[group.label].manifest)
        ]
        if len(missing) < 2:
            return (), 0
        if any(group.has_server for group in missing):
            # A host that was started ahead of time is this process's.
            self.host.client()
        free = [available_bytes(), self.host.free_bytes(missing)]
        most = most_builders(os.cpu_count() or 1, free)
        return (missing, most) if most > 1 else ((), 0)

    def _ensure_apart(
        self, group: DatabaseGroup, report: Callable[[Event], None]
    ) -> tuple[Template, bool]:
        """Make sure of a group's template in this forked child, with servers of its own."""
        with self.host.of_forked_child():
            guard.lend_nothing()
            provider = replace(self.provider, report=report)
            return provider.ensure(self.identify(group), self.setup, self._create, tuple)

    def facts(self) -> dict[str, Mapping[str, str]]:
        """What each alias's connection remembers about its server, if its template is known."""
        return {
            alias: facts
            for template in self._templates.values()
            for alias, facts in template.facts.items()
        }

    def templates(self) -> list[Template]:
        """Those that have been made sure of."""
        return list(self._templates.values())

    def say_ages(self) -> None:
        """Say of each template that has what a clock or random numbers gave how old that is."""
        for template in self._templates.values():
            if template.clocks:
                self._report(
                    TemplateDated(
                        group=template.group.label,
                        fingerprint=template.fingerprint,
                        clocks=tuple(name for name, _ in template.clocks),
                        seconds=time.time() - min(moment for _, moment in template.clocks),
                    )
                )

    def prune(self) -> None:
        """Give up old templates, if there are more than there were before."""
        if not self._built:
            return
        # A run is not to fail for what it does not need.
        with suppress(CtestError, OSError):
            engine = any(one.group.has_server for one in self.templates())
            gone = self.repository.prune(self.project, engine=engine)
            if gone:
                named = tuple((one.name, reason) for one, reason in gone)
                self._report(TemplatesPruned(templates=named))

    def close(self) -> Closed | None:
        """Remove every server; gives what could not be removed, None where none was started."""
        try:
            self.parent.restore()
        finally:
            os.environ.update(self._set_aside)
            warm_start.give_up()
            if self.host.is_started or not any(group.has_server for group in self.plans.groups):
                self._remember()
            closed = self.host.close()
        return closed

    def _remember(self) -> None:
        """Keep what the next run of the same command can start ahead of time."""
        needs = None
        if self._has_asked:
            first = self.servers.first()
            needs = warm_start.Needs(self.project, self._config.transport, first)
        warm_start.remember(self.cache, self._here, needed=self.host.is_started, needs=needs)
