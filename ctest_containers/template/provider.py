"""Finds a template, or lets exactly one run build it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ctest_containers.errors import (
    CtestError,
    LayerError,
    TemplateError,
)
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
from ctest_containers.template.identity import Template
from ctest_containers.template.image_builder import make_image, transcribe
from ctest_containers.template.layers import Decision
from ctest_containers.template.locks import locked
from ctest_containers.template.registry import TemplateRegistry, refused
from ctest_containers.template.repository import TemplateRepository
from ctest_containers.template.stored import note_use
from ctest_containers.text import slug


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateProvider:
    """Gives a project its templates, one way or another.

    Attributes:
        chooser: Compares the templates of this machine with what would be built today.
        server: What servers for builds may take.
        build: How migrations run: AUTO, DJANGO or COMPARE.
        registry: The repository from which templates are pulled; empty for none.
        push: Whether what is built is pushed there.
        verify: Whether templates that are found are looked into before they are used.
        renew_before: Templates that were made before this moment, in seconds since the epoch, are
            made again; None for none.
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
        """The templates that exist on this machine; locks live in its folder."""
        return self.chooser.repository

    @property
    def _registry(self) -> TemplateRegistry:
        return TemplateRegistry(
            registry=self.registry, host=self.host, chooser=self.chooser, report=self.report
        )

    def base_digest(self, base: BaseImage | None) -> str:
        """What identifies a base image on every machine; a named image may be pulled for it."""
        if base is None or base.context:
            return base.context if base else ""
        return str(self.host().call(DigestImage(image=base.name), IMAGE_SECONDS))

    def ensure(
        self,
        template: Template,
        means: BuildMeans,
    ) -> tuple[Template, bool]:
        """Make sure that a template exists; build it unless another run does so already.

        Args:
            template: The wanted one, as `choose` has just given it.
            means: Used if it is built.

        Returns:
            The template, with its manifest, and whether it was there all along.

        Raises:
            TemplateError: It could not be built.
            EngineError: The engine did not do its part.
        """
        reason = ""
        if template.manifest and not self._is_given_up(template):
            if not self.verify or not self._reject(template, means.setup):
                self._use(template)
                return template, True
            reason = "the existing template was rejected"
        try:
            return self._build_once(template, means, reason), False
        except OSError as error:
            raise TemplateError(
                "The template cannot be made with the cache folder "
                f"{self.repository.folder}: {error}.",
                "Make room there, or name another folder with XDG_CACHE_HOME.",
            ) from error

    def _reject(self, template: Template, setup: ProjectSetup) -> bool:
        """Withdraw a template that has problems; return whether it had any."""
        problems = self.chooser.problems(template, setup)
        if problems is None:
            problems = ["It does not say what it is."]
        if problems:
            self.report(refused(template, problems))
            self.repository.refuse(template)
        return bool(problems)

    def _is_given_up(self, template: Template) -> bool:
        """Withdraw a template that is older than the user wants; return whether it is gone.

        So are others that would be used in its place. Other runs may do the same at the same time,
        and may have done so already.
        """
        if self.renew_before is None:
            return False
        # Engines tell whole seconds.
        whole = template.group.has_server
        oldest = math.floor(self.renew_before) if whole else self.renew_before
        is_gone = False
        with self._locked(_lock_name(template), template):
            while template.manifest:
                kept = self.repository.find(template)
                if kept is not None and kept.created >= oldest:
                    break
                if kept is not None:
                    self.repository.refuse(template)
                is_gone = True
                template = self.chooser.choose(template).template
        return is_gone

    def _build_once(
        self,
        template: Template,
        means: BuildMeans,
        reason: str,
    ) -> Template:
        """Build a template that does not exist, unless another run has done so meanwhile.

        Args:
            reason: Why the existing template is not used; an empty string if there was none.

        Returns:
            The template, with its manifest.
        """
        with self._locked(_lock_name(template), template):
            found = self.chooser.choose(template).template
            if found.manifest:
                self._use(found)
                return found
            is_shared = self.renew_before is None and self._registry.may_have(template)
            if is_shared and (pulled := self._registry.pull(template)):
                self._note_use(pulled)
                return pulled
            built = self._try_to_build(found, means, reason)
        # Others may use it by now.
        if self.push and self._registry.may_have(built):
            self._registry.push(built)
        return built

    def _try_to_build(
        self,
        template: Template,
        means: BuildMeans,
        reason: str,
    ) -> Template:
        started, group = time.monotonic(), template.group
        may_resume = self.renew_before is None and not reason
        if self.renew_before is not None:
            self.repository.remove_layers(template, self.renew_before)
            reason = "a new template was requested"
        elif reason:
            # What spoilt the template may have spoilt its layers, too.
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
    def _locked(self, name: str, template: Template) -> Iterator[None]:
        awaited = TemplateAwaited(group=template.group.label, fingerprint=template.fingerprint)
        with locked(
            self.repository.folder,
            name,
            timeout_seconds=self.build_timeout_seconds,
            waiting=lambda: self.report(awaited),
        ):
            yield

    def _use(self, template: Template) -> None:
        """Note that a template that exists is used, and say so."""
        self._note_use(template)
        label, aliases = template.group.label, template.group.aliases
        self.report(TemplateFound(group=label, aliases=aliases, fingerprint=template.fingerprint))

    def _note_use(self, template: Template) -> None:
        group, fingerprint = template.group.label, template.fingerprint
        note_use(self.repository.folder, template.project, group, fingerprint)

    def _build(
        self,
        template: Template,
        decision: Decision,
        means: BuildMeans,
        *,
        on_demand: bool,
    ) -> Template:
        group = template.group
        lent = means.lend()
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
            places=self.chooser.places,
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


def _lock_name(template: Template) -> str:
    return f"{slug(template.project)}-{template.key[:32]}"
