"""The databases of a project as a resource, prepared as templates."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ctest_containers.backends import sqlite
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.errors import CtestError, UsageError
from ctest_containers.events import Event, Phase, PhaseStarted, TemplateDated, TemplatesPruned
from ctest_containers.failures.store import FailureStore
from ctest_containers.fingerprint import Input
from ctest_containers.model import DatabaseGroup, Lease
from ctest_containers.project import guard
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.schema import schema_inputs
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.servers.requests import ServerLimits
from ctest_containers.servers.standby import STANDBY
from ctest_containers.supply.builders import Builders, builder_limit
from ctest_containers.supply.plans import plan_for
from ctest_containers.supply.resource import Offer
from ctest_containers.supply.run_host import RunHost
from ctest_containers.supply.snapshot import DatabaseSnapshot, snapshot_of
from ctest_containers.template import (
    ProjectTemplate,
    TemplateProvider,
    TemplateRepository,
    identify,
)
from ctest_containers.template.base import base_image
from ctest_containers.template.build_order import BuildMeans
from ctest_containers.template.build_task import CreateDatabases
from ctest_containers.template.chooser import TemplateChooser

IMAGES_SECONDS: Final = 7200.0
"""How long preparing base images may take, and saving the image of a template."""

LendForBuild = Callable[[Collection[str]], Sequence[Lease]]
"""Returns the databases of other servers that a build may read, given their aliases."""


class Databases:
    """The databases of a project, prepared as templates.

    Create it before any alias is redirected: it plans the databases from the current settings.

    Args:
        create: Creates and migrates the test databases of some aliases, in a child process.
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
        limits: The limits of each server.
        cache: The toolkit's cache folder.
        began: When the run began, in seconds since the epoch; with the option `rebuild`, templates
            that were built before are built again.
        lend: Called before the build of a template whose migrations may read other databases.

    Attributes:
        plans: The groups of databases of the project.
        setup: How the child processes that build templates start.
        preparing: The aliases whose templates are being prepared.

    Raises:
        UsageError: The options name an image for an unknown alias, a server setting that is not
            allowed, or `push` without a registry.
    """

    def __init__(
        self,
        *,
        config: Config,
        setup: ProjectSetup,
        create: CreateDatabases,
        runner_inputs: Sequence[Input],
        host: RunHost,
        limits: ServerLimits,
        cache: Path,
        began: float,
        report: Callable[[Event], None],
        lend: LendForBuild,
    ) -> None:
        if config.push and not config.registry:
            raise UsageError(
                "The option push is set, but the option registry is not.",
                "Set one with --registry.",
            )
        self.plans = plan_for(config)
        self.setup = setup
        self.preparing: set[str] = set()
        self._config = config
        self._project = project_of(config)
        self._create = create
        self._runner_inputs = tuple(runner_inputs)
        self._host = host
        self._report = report
        self._lend = lend
        # Another run may build the same template first, and images may have to be made.
        self._builders = Builders(report, 2 * config.build_timeout + IMAGES_SECONDS)
        self._templates: dict[str, ProjectTemplate] = {}
        self._built = False
        verify = config.verify_templates
        self.repository = TemplateRepository(
            folder=cache, host=host.client, server_timeout_seconds=config.server_timeout
        )
        self.chooser = TemplateChooser(
            repository=self.repository,
            paths=PortablePaths.here(),
            max_age_seconds=config.template_max_age,
            likely=STANDBY.images(),
        )
        self.provider = TemplateProvider(
            chooser=self.chooser,
            host=host.client,
            report=report,
            server=limits,
            build=config.build,
            build_timeout_seconds=config.build_timeout,
            registry=config.registry,
            push=config.push,
            verify=bool(os.environ.get("CI")) if verify is None else verify,
            renew_before=began if config.rebuild else None,
        )

    def identify(self, group: DatabaseGroup) -> ProjectTemplate:
        """Return the template that a group needs; without a manifest if it is missing."""
        return self.chooser.choose(self.describe(group)).template

    def describe(self, group: DatabaseGroup) -> ProjectTemplate:
        """Return the template that a group needs, without looking it up."""
        base = base_image(group.vendor, group.image) if group.has_server else None
        return identify(
            project=self._project,
            group=group,
            inputs=(
                *schema_inputs(group, extra_files=self._config.fingerprint_files),
                *self._runner_inputs,
            ),
            base=base,
            base_digest=self.provider.base_digest(base),
        )

    def expected(self, needs: Collection[str]) -> list[DatabaseSnapshot]:
        """See `Resource`."""
        templates = [self.identify(group) for group in self.plans.select(needs)]
        existing = [template for template in templates if template.manifest]
        return [snapshot_of(template, self.repository) for template in existing]

    def prepare(self, needs: Collection[str], offer: Offer) -> None:
        """See `Resource`."""
        selected = self.plans.select(needs)
        groups = [group for group in selected if group.label not in self._templates]
        # The templates that are needed, by the labels of their groups.
        known: dict[str, ProjectTemplate] = {}
        aliases = [alias for group in groups for alias in group.aliases]
        own = [alias for alias in aliases if alias not in self.preparing]
        self.preparing.update(own)
        try:
            apart, limit = self._built_apart(groups, known)
            with self._builders.working(apart, self.setup, self._ensure_apart, limit):
                for group in groups:
                    template, was_there = self._ensure(group, known)
                    if not was_there:
                        self._built = True
                        # They may be out of date, because a build takes time.
                        known.clear()
                    self._templates[group.label] = template
                    offer(snapshot_of(template, self.repository), was_there)
        finally:
            self.preparing.difference_update(own)

    def _ensure(
        self, group: DatabaseGroup, known: Mapping[str, ProjectTemplate]
    ) -> tuple[ProjectTemplate, bool]:
        if (ready := self._builders.result(group)) is not None:
            return ready
        template = known.get(group.label) or self._identify(group)
        self._report(PhaseStarted(phase=Phase.TEMPLATE))
        read = self.plans.dependencies(group)
        means = BuildMeans(self.setup, self._create, lambda: self._lend(read))
        return self.provider.ensure(template, means)

    def _identify(self, group: DatabaseGroup) -> ProjectTemplate:
        self._report(PhaseStarted(phase=Phase.FINGERPRINT))
        return self.identify(group)

    def _built_apart(
        self, groups: Sequence[DatabaseGroup], known: dict[str, ProjectTemplate]
    ) -> tuple[Sequence[DatabaseGroup], int]:
        """Choose the groups whose templates are built in processes of their own.

        Args:
            known: Receives the templates that the groups need.

        Returns:
            The groups, none if builds cannot run at once, and how many builds run at once.
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
            # A host that was started ahead of time belongs to this process, not to a child.
            self._host.client()
        free = [available_bytes(), self._host.free_bytes(missing)]
        limit = builder_limit(os.cpu_count() or 1, free)
        return (missing, limit) if limit > 1 else ((), 0)

    def _ensure_apart(
        self, group: DatabaseGroup, report: Callable[[Event], None]
    ) -> tuple[ProjectTemplate, bool]:
        """Make sure of a group's template in this forked child, with servers of its own."""
        with self._host.of_forked_child():
            guard.lend_nothing()
            provider = replace(self.provider, report=report)
            return provider.ensure(
                self.identify(group), BuildMeans(self.setup, self._create, tuple)
            )

    def facts(self) -> dict[str, Mapping[str, str]]:
        """Return what each alias's connection remembers about its server, by alias."""
        return {
            alias: facts
            for template in self._templates.values()
            for alias, facts in template.facts.items()
        }

    def templates(self) -> list[ProjectTemplate]:
        """Return the prepared templates."""
        return list(self._templates.values())

    def copies(self, folder: Path) -> list[Lease]:
        """Copy each SQLite database into a file, which any program can open."""
        return [
            lease
            for template in self._templates.values()
            if not template.group.has_server
            for lease in sqlite.copies(template.group, self.repository.files(template), folder)
        ]

    def say_ages(self) -> None:
        """Report the age of values that each template got from clocks and random numbers."""
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
        """Remove old templates and kept failures, if this run has built a template."""
        if not self._built:
            return
        FailureStore.of(self._project).prune()
        # A run does not need this, so it must not fail because of it.
        with suppress(CtestError, OSError):
            engine = any(template.group.has_server for template in self.templates())
            removed = self.repository.prune(self._project, engine=engine)
            if removed:
                names = tuple((stored.name, reason) for stored, reason in removed)
                self._report(TemplatesPruned(templates=names))
