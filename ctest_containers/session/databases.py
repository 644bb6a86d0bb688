"""The databases of one run: their templates, the servers spawned from them, and their end."""

from __future__ import annotations

import functools
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends.environment import set_aside_variables
from ctest_containers.backends.settings import check_settings
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.config import Config
from ctest_containers.config.model import image_of, project_of
from ctest_containers.config.server_settings import check_vendors, settings_of
from ctest_containers.engine.folders import dead_run_folders, make_run_folder, remove_folder
from ctest_containers.errors import CtestError, EngineError, UsageError
from ctest_containers.events import Event, Phase, PhaseStarted, TemplateDated, TemplatesPruned
from ctest_containers.fingerprint import Input
from ctest_containers.model import DatabaseGroup, Lease
from ctest_containers.project import connections, guard
from ctest_containers.project.databases import DatabasePlans, plan_databases
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.schema import schema_inputs
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.servers import warm_start
from ctest_containers.servers.client import ServerHostClient
from ctest_containers.servers.requests import AskMemory, Closed
from ctest_containers.session.builders import Builders, most_builders
from ctest_containers.session.servers import WorkerServers
from ctest_containers.storage import cache_folder
from ctest_containers.template import Template, TemplateProvider, TemplateRepository, identify
from ctest_containers.template.base import base_image
from ctest_containers.template.build import CreateDatabases

ASK_SECONDS: Final = 10.0
"""What an engine may take to say how much memory it has."""

IMAGES_SECONDS: Final = 7200.0
"""What it may take to make an image for a template, and that of the template itself."""

PARENT: Final = 0
"""The number under which the parent itself has databases, should it ask for one."""


def plan(config: Config) -> DatabasePlans:
    """The databases that the run needs; call this before any alias is redirected.

    Raises:
        UsageError: The options name an image for an unknown alias, or a server setting that is
            not allowed.
    """
    wanted = config.server_settings
    plans = plan_databases(
        functools.partial(image_of, config),
        functools.partial(settings_of, wanted),
        config.database_role,
    )
    plans.check_images(alias for alias, _ in config.images)
    servers = [group for group in plans.groups if group.has_server]
    check_vendors(wanted, {group.vendor.value for group in servers})
    for group in servers:
        check_settings(group)
    return plans


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
        self.run_id = secrets.token_hex(4)
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
        self._host_client: ServerHostClient | None = None
        # Another run may build the same template first, and images may have to be made.
        self._builders = Builders(report, 2 * config.build_timeout + IMAGES_SECONDS)
        self._folder: Path | None = None
        verify = config.verify_templates
        self.repository = TemplateRepository(
            folder=self.cache,
            host=self.host,
            server_timeout_seconds=config.server_timeout,
        )
        self.provider = TemplateProvider(
            repository=self.repository,
            host=self.host,
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
            host=self.host, provider=self.provider, report=report, folder=self.scratch
        )
        self._parent_settings: dict[str, dict[str, Any]] = {}
        self._templates: dict[str, Template] = {}
        self._preparing: set[str] = set()
        self._built = False

    def read_settings(self) -> None:
        """Find out which databases there are to be; before any alias has been redirected.

        Raises:
            UsageError: The options name an image for an unknown alias, or a server setting that is
                not allowed.
        """
        self.plans = plan(self._config)

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
        if self._host_client is not None:
            self._host_client.drop_ahead()

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
            lend = functools.partial(self._lend, group)
            done = self.provider.ensure(template, self.setup, self._create, lend)
        template, was_there = done
        if not was_there:
            self._built = True
            known.clear()
        self.servers.offer(template, was_there=was_there)
        self._templates[group.label] = template
        for alias, facts in template.facts.items():
            if alias not in self._parent_settings:
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
            self.host()
        free = [available_bytes(), self.engine_bytes(missing)]
        most = most_builders(os.cpu_count() or 1, free)
        return (missing, most) if most > 1 else ((), 0)

    def _ensure_apart(
        self, group: DatabaseGroup, report: Callable[[Event], None]
    ) -> tuple[Template, bool]:
        """Make sure of a group's template in this forked child, with servers of its own."""
        inherited = self._host_client
        for descriptor in () if inherited is None else inherited.descriptors():
            os.close(descriptor)
        guard.lend_nothing()
        self._host_client = self._folder = None
        self.run_id = secrets.token_hex(4)
        provider = replace(self.provider, report=report)
        try:
            return provider.ensure(self.identify(group), self.setup, self._create, tuple)
        finally:
            self._close_host()
            # Its descriptors are closed, and may be those of something else by now.
            self._host_client = inherited

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

    def lend_to_parent(self, aliases: Collection[str]) -> None:
        """Point the parent's own connections at databases of its own.

        Raises:
            CtestError: A server for them does not start.
        """
        wanted = [alias for alias in aliases if alias not in self._parent_settings]
        if wanted:
            self.prepare(wanted)
            self.use_in_parent(self.servers.await_leases(PARENT, wanted))

    def use_in_parent(self, leases: Iterable[Lease]) -> None:
        """Point the parent's own connections at these databases, unless they lead to others."""
        for lease in leases:
            if lease.alias not in self._parent_settings:
                self._parent_settings[lease.alias] = connections.settings_of(lease.alias)
                connections.redirect(lease)
                connections.remember(lease.alias, self.facts().get(lease.alias, {}))

    def lend_if_needed(self, alias: str) -> None:
        """The same when the parent is about to connect, unless it has one already."""
        if alias in self._preparing:
            # A module of migrations asks for it, which is imported to find out what they are.
            guard.refuse(alias)
        if alias not in self._parent_settings:
            self.lend_to_parent([alias])

    def finish_with_parent(self) -> None:
        """Give back what the parent used; nothing of it may be open when workers are forked."""
        connections.restore(self._parent_settings)
        self.servers.discard(PARENT)
        self._parent_settings.clear()

    def host(self) -> ServerHostClient:
        """The process that owns the run's containers, started when it is first needed."""
        if self._host_client is None:
            self._host_client = ServerHostClient(
                run=self.run_id,
                folder=self.scratch(),
                project=self.project,
                transport=self._config.transport,
            )
        return self._host_client

    def host_descriptors(self) -> tuple[int, ...]:
        """What a forked worker has to close of that process."""
        if self._host_client is None:
            warm_start.give_up()
            return ()
        return self._host_client.descriptors()

    def scratch(self) -> Path:
        """The run's own folder."""
        if self._folder is None:
            for dead in dead_run_folders():
                remove_folder(dead)
            self._folder = make_run_folder(self.run_id)
        return self._folder

    def engine_bytes(self, groups: Iterable[DatabaseGroup]) -> int | None:
        """Memory that is free where the engine runs; None if that is here, or nobody tells."""
        if not any(group.has_server for group in groups):
            return None
        with suppress(EngineError):
            found = self.host().call(AskMemory(), ASK_SECONDS)
            return None if found is None else int(found)
        return None

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
            connections.restore(self._parent_settings)
        finally:
            os.environ.update(self._set_aside)
            warm_start.give_up()
            if self._host_client is not None or not any(
                group.has_server for group in self.plans.groups
            ):
                self._remember()
            closed = self._close_host()
        return closed

    def _close_host(self) -> Closed | None:
        """Remove this process's servers and its folder."""
        client, self._host_client = self._host_client, None
        closed = None if client is None else client.close()
        if self._folder is not None:
            remove_folder(self._folder)
            self._folder = None
        return closed

    def _remember(self) -> None:
        """Keep what the next run of the same command can start ahead of time."""
        needs = None
        if self._has_asked:
            first = self.servers.first()
            needs = warm_start.Needs(self.project, self._config.transport, first)
        needed = self._host_client is not None
        warm_start.remember(self.cache, self._here, needed=needed, needs=needs)

    def _lend(self, group: DatabaseGroup) -> Sequence[Lease]:
        """The databases of other servers that the migrations of a group may read."""
        aliases = self.plans.dependencies(group)
        self.prepare(aliases)
        # A connection that is open while a child is forked is the child's to spoil, too.
        connections.disconnect(self._parent_settings)
        return self.servers.await_leases(PARENT, aliases)
