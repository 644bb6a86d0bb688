"""Finds a template, or has exactly one run build it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ctest_containers.errors import CtestError, LayerError, ServerError, TemplateError
from ctest_containers.events import (
    Event,
    TemplateAwaited,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
)
from ctest_containers.model import COMPARE
from ctest_containers.project.process import ProjectSetup
from ctest_containers.servers.client import ServerHostClient
from ctest_containers.servers.requests import DigestImage, ServerLimits
from ctest_containers.template.attempts import BuildAttempts
from ctest_containers.template.base import IMAGE_SECONDS, BaseImage, ensure_image
from ctest_containers.template.build_order import BuildMeans, BuildOrder
from ctest_containers.template.chooser import TemplateChooser
from ctest_containers.template.file_builder import make_files
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.image_builder import make_image, transcribe
from ctest_containers.template.layers import Decision
from ctest_containers.template.locks import locked
from ctest_containers.template.registry import TemplateRegistry, refused
from ctest_containers.template.repository import TemplateRepository
from ctest_containers.template.stored import note_use
from ctest_containers.text import slug


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateProvider:
    """Provides the templates of a project: finds, pulls or builds them.

    Attributes:
        chooser: Compares the templates of this machine with what would be built today.
        server: The limits of servers for builds.
        build: How migrations run: AUTO, DJANGO or COMPARE.
        registry: The repository from which templates are pulled; empty for none.
        push: Whether new templates are pushed there.
        verify: Whether the contents of stored templates are checked before they are used.
        renew_before: Templates built before this moment, in seconds since the epoch, are built
            again; None for none.
    """

    chooser: TemplateChooser
    host: Callable[[], ServerHostClient]
    report: Callable[[Event], None]
    server: ServerLimits
    build: str
    build_timeout_seconds: float
    registry: str = ""
    push: bool = False
    verify: bool = False
    renew_before: float | None = None

    @property
    def repository(self) -> TemplateRepository:
        """The templates on this machine."""
        return self.chooser.repository

    @property
    def _registry(self) -> TemplateRegistry:
        return TemplateRegistry(
            registry=self.registry, host=self.host, chooser=self.chooser, report=self.report
        )

    def base_digest(self, base: BaseImage | None) -> str:
        """Return a digest of a base image, the same on every machine; pull the image if needed."""
        if base is None or base.context:
            return base.context if base else ""
        return str(self.host().call(DigestImage(image=base.name), IMAGE_SECONDS))

    def ensure(self, template: ProjectTemplate, means: BuildMeans) -> tuple[ProjectTemplate, bool]:
        """Make sure that a template exists; if another run is building it, wait for that.

        Args:
            template: The template that is needed, as `choose` has just returned it.
            means: Used if it is built.

        Returns:
            The template, with its manifest, and whether it already existed.

        Raises:
            TemplateError: The template cannot be built.
            EngineError: The engine does not answer, or refuses.
        """
        reason = ""
        if template.manifest and not self._withdraw_old(template):
            if not self.verify or not self._reject(template, means.setup):
                self._use(template)
                return template, True
            reason = "the existing template was rejected"
        try:
            return self._build_once(template, means, reason), False
        except OSError as error:
            raise TemplateError(
                f"The template cannot be built with the cache folder {self.repository.folder}: "
                f"{error}.",
                "Free space there, or set XDG_CACHE_HOME to another folder.",
            ) from error

    def _reject(self, template: ProjectTemplate, setup: ProjectSetup) -> bool:
        """Withdraw a template that has problems; return whether it had any."""
        problems = self.chooser.problems(template, setup)
        if problems is None:
            problems = ["It is not labelled as a template."]
        if problems:
            self.report(refused(template, problems))
            self.repository.refuse(template)
        return bool(problems)

    def _withdraw_old(self, template: ProjectTemplate) -> bool:
        """Withdraw a template that is older than `renew_before`; return whether it is gone.

        This includes older templates that would be used instead. Other runs may withdraw them at
        the same time, or may have done so already.
        """
        if self.renew_before is None:
            return False
        # Engines report the creation of images in whole seconds.
        has_server, moment = template.group.has_server, self.renew_before
        oldest = math.floor(moment) if has_server else moment
        is_gone = False
        with self._locked(_lock_name(template), template):
            while template.manifest:
                stored = self.repository.find(template)
                if stored is not None and stored.created >= oldest:
                    break
                if stored is not None:
                    self.repository.refuse(template)
                is_gone = True
                template = self.chooser.choose(template).template
        return is_gone

    def _build_once(
        self, template: ProjectTemplate, means: BuildMeans, reason: str
    ) -> ProjectTemplate:
        """Build a missing template, unless another run has built it since.

        Args:
            reason: Why the existing template is not used; an empty string if there is none.

        Returns:
            The template, with its manifest.
        """
        with self._locked(_lock_name(template), template):
            chosen = self.chooser.choose(template).template
            if chosen.manifest:
                self._use(chosen)
                return chosen
            is_shared = self.renew_before is None and self._registry.may_have(template)
            if is_shared and (pulled := self._registry.pull(template)):
                self._note_use(pulled)
                return pulled
            built = self._try_to_build(chosen, means, reason)
        # Other runs need not wait until it is pushed.
        if self.push and self._registry.may_have(built):
            self._registry.push(built)
        return built

    def _try_to_build(
        self, template: ProjectTemplate, means: BuildMeans, reason: str
    ) -> ProjectTemplate:
        started, group = time.monotonic(), template.group
        may_resume = self.renew_before is None and not reason
        if self.renew_before is not None:
            self.repository.remove_layers(template, self.renew_before)
            reason = "a new template was requested"
        elif reason:
            # The cause may have damaged the layers, too.
            self.repository.remove_layers(template, time.time())
        attempts = BuildAttempts(
            template,
            lambda **options: self.chooser.decide(template, means.setup, **options),
            build=self.build,
            may_resume=may_resume,
            reason=reason,
        )
        while True:
            try:
                built = self._build(
                    template, attempts.decision, means, on_demand=attempts.is_on_demand
                )
                break
            except CtestError as error:
                if isinstance(error, LayerError) and (layer := attempts.layer) is not None:
                    self.repository.remove(layer)
                for event in attempts.after(error):
                    self.report(event)
        self._note_use(built)
        start = attempts.decision.start
        if start is not None:
            note_use(self.repository.folder, start.project, start.group, start.fingerprint)
        self.report(
            TemplateBuilt(
                group=group.label,
                fingerprint=built.fingerprint,
                seconds=time.monotonic() - started,
                incremental=start is not None,
            )
        )
        return built

    @contextmanager
    def _locked(self, name: str, template: ProjectTemplate) -> Iterator[None]:
        awaited = TemplateAwaited(group=template.group.label, fingerprint=template.fingerprint)
        with locked(
            self.repository.folder,
            name,
            timeout_seconds=self.build_timeout_seconds,
            waiting=lambda: self.report(awaited),
        ):
            yield

    def _use(self, template: ProjectTemplate) -> None:
        """Note and report that an existing template is used."""
        self._note_use(template)
        label, aliases = template.group.label, template.group.aliases
        self.report(TemplateFound(group=label, aliases=aliases, fingerprint=template.fingerprint))

    def _note_use(self, template: ProjectTemplate) -> None:
        group, fingerprint = template.group.label, template.fingerprint
        note_use(self.repository.folder, template.project, group, fingerprint)

    def _build(
        self, template: ProjectTemplate, decision: Decision, means: BuildMeans, *, on_demand: bool
    ) -> ProjectTemplate:
        group = template.group
        try:
            lent = means.lend()
        except OSError as error:
            raise ServerError(
                f"The build of {group.label} cannot use other databases and services: {error}."
            ) from error
        self.report(
            TemplateBuildStarted(
                group=group.label,
                aliases=group.aliases,
                fingerprint=template.fingerprint,
                incremental=decision.start is not None,
                reason=decision.reason,
            )
        )
        if group.has_server and decision.start is None:
            assert template.base is not None
            ensure_image(
                template.base,
                group.vendor,
                self.host(),
                lock=lambda name: self._locked(name, template),
                report=self.report,
            )
        order = BuildOrder(
            template=template,
            start=decision.start,
            setup=means.setup,
            create=means.create,
            lent=lent,
            close=self.host().descriptors() if group.has_server or lent else (),
            timeout_seconds=self.build_timeout_seconds,
            paths=self.chooser.paths,
            privileges=decision.privileges,
            on_demand=on_demand,
            report=self.report,
            cache=self.repository.folder,
        )
        if self.build == COMPARE and on_demand:
            order = replace(order, transcribes=True)
            host = self.host() if group.has_server else None
            expected = transcribe(replace(order, on_demand=False), host, self.server)
            order = replace(order, expected=expected)
        if not group.has_server:
            return make_files(order, self.repository.files_of(template.project))
        return make_image(order, self.host(), self.server)


def _lock_name(template: ProjectTemplate) -> str:
    return f"{slug(template.project)}-{template.key[:32]}"
