"""Finds a template, or lets exactly one run build it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from filelock import FileLock, Timeout

from ctest_containers.engine.api import Travelled
from ctest_containers.errors import (
    EngineError,
    ImageUnavailableError,
    LayerError,
    PrivilegeError,
    ProjectError,
    RenderingError,
    ServerError,
    TemplateError,
)
from ctest_containers.events import (
    BaseImageBuildStarted,
    Event,
    RegistryFailed,
    TemplateAwaited,
    TemplateBuildSlowed,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
    TemplatePulled,
    TemplatePushed,
    TemplateRefused,
)
from ctest_containers.model import COMPARE, DJANGO, SUPERUSER, Lease
from ctest_containers.project.migrations import migrations_of, read_plan
from ctest_containers.project.process import ProjectSetup
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import BuildBase, DigestImage, FindTemplate, ServerLimits
from ctest_containers.template import share
from ctest_containers.template.base import BaseImage
from ctest_containers.template.build_task import CreateDatabases
from ctest_containers.template.builder import (
    BuildOrder,
    make_files,
    make_image,
    transcribe,
)
from ctest_containers.template.candidates import Choice, changes, choose
from ctest_containers.template.identity import Template
from ctest_containers.template.incremental import find_nearest
from ctest_containers.template.layers import Decision, can_be_left, find_start, milestone_of
from ctest_containers.template.repository import TemplateRepository
from ctest_containers.template.stored import StoredTemplate, note_use
from ctest_containers.text import listing, slug

IMAGE_SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateProvider:
    """Gives a project its templates, one way or another.

    Attributes:
        repository: Those that exist on this machine; locks live in its folder.
        host: Gives the server host, starting it when it does not run yet.
        report: Is told what happens.
        places: Where the project is.
        server: What servers for builds may take.
        build: How migrations run: AUTO, DJANGO or COMPARE.
        registry: The repository from which templates are pulled; empty for none.
        push: Whether what is built is pushed there.
        verify: Whether templates that are found are looked into before they are used.
        renew_before: Templates that were made before this moment, in seconds since the epoch, are
            made anew; None for none.
        most_seconds: How old what a build got from clocks and random numbers may be; 0 for no
            limit.
    """

    repository: TemplateRepository
    host: Callable[[], ServerHostClient]
    report: Callable[[Event], None]
    places: PortablePaths
    server: ServerLimits
    build: str
    build_timeout_seconds: float
    registry: str = ""
    push: bool = False
    verify: bool = False
    renew_before: float | None = None
    most_seconds: float = 0.0

    def base_digest(self, base: BaseImage | None) -> str:
        """What identifies a base image on every machine; a named image may be pulled for it."""
        if base is None or base.context:
            return base.context if base else ""
        return str(self.host().call(DigestImage(image=base.name), IMAGE_SECONDS))

    def choose(self, template: Template) -> Choice:
        """The template that exists and would be built in the same way today, if there is one.

        Raises:
            EngineError: The engine does not answer.
        """
        kept = self.repository.kept(template.project, engine=template.group.has_server)
        return choose(template, kept, self.places, most_seconds=self.most_seconds)

    def ensure(
        self,
        template: Template,
        setup: ProjectSetup,
        create: CreateDatabases,
        lend: Callable[[], Sequence[Lease]],
    ) -> tuple[Template, bool]:
        """Make sure that a template exists; build it unless another run does so already.

        Args:
            template: The wanted one, as `choose` has just given it.
            lend: Called before it is built; gives databases of other servers that it may read.

        Returns:
            The template, with its manifest, and whether it was there all along.

        Raises:
            TemplateError: It could not be built.
            EngineError: The engine did not do its part.
        """
        reason = ""
        if template.manifest and not self._is_given_up(template):
            if not self.verify or not self._reject(template, setup):
                self._use(template)
                return template, True
            reason = "the existing template was rejected"
        try:
            return self._build_once(template, setup, create, lend, reason), False
        except OSError as error:
            raise TemplateError(
                "The template cannot be made with the cache folder "
                f"{self.repository.folder}: {error}.",
                "Make room there, or name another folder with XDG_CACHE_HOME.",
            ) from error

    def decide(
        self,
        template: Template,
        setup: ProjectSetup | None = None,
        *,
        late_data: bool = True,
        privileges: str = "",
    ) -> Decision:
        """From what a template that is missing would be built, and why.

        Args:
            late_data: See `find_start`.
            privileges: See `find_start`.
            setup: How child processes start, if a build is to follow: what migrations import must
                not be loaded in this process before, for it would not be recorded.
        """
        group = template.group
        usual = privileges or group.first_privileges
        kept = self.repository.kept(template.project, engine=group.has_server)
        same = [one for one in kept if one.group == group.label]
        earlier = [one for one in same if not one.is_layer]
        nearest = find_nearest(template.inputs, earlier)
        choice = choose(template, earlier, self.places, most_seconds=self.most_seconds)
        if choice.changes:
            reason = f"changed: {listing(choice.changes)}"
        elif nearest is None:
            reason = "there is no earlier template of this project"
        elif changed := self._changes(nearest[0]):
            reason = f"{nearest[1]}; changed: {listing(changed)}"
        else:
            reason = str(nearest[1])
        if not same or not can_be_left(template):
            return Decision(None, reason, nearest, privileges=usual)
        try:
            plan = (read_plan if setup is None else setup.in_child(read_plan))(())
        except Exception as error:  # noqa: BLE001  # A full build shows it as Django does.
            reason = f"the migrations cannot be loaded: {error}"
            return Decision(None, reason, nearest, privileges=usual)
        start = find_start(
            template, same, plan, self._changes, late_data=late_data, privileges=privileges
        )
        if start is None:
            if nearest is not None and reason == str(nearest[1]) and nearest[1].is_addition:
                obstacle = milestone_of(nearest[0]).obstacle
                if obstacle:
                    reason += f"; no build can resume from the earlier template, because {obstacle}"
            return Decision(None, reason, nearest, privileges=usual)
        if usual and milestone_of(start.kept).is_superuser:
            usual = SUPERUSER
        reason = f"{reason}; {start.amount}"
        return Decision(start.kept, reason, nearest, start.is_late, usual)

    def _changes(self, kept: StoredTemplate) -> list[str]:
        """What is another today than when a template or a layer was built, by name."""
        return changes(kept, self.places, most_seconds=self.most_seconds)

    def problems(self, template: Template, setup: ProjectSetup | None = None) -> list[str] | None:
        """What is wrong with a template as it is here, a sentence each; None if it is not here.

        Migrations that the project has and its databases have not had are among them.

        Args:
            setup: See `decide`.
        """
        kept = self.repository.find(template)
        if kept is None:
            return None
        if template.has_own_runner:
            # It may fill the databases in another way.
            return self.repository.problems(kept)
        group = template.group
        try:
            wanted = migrations_of if setup is None else setup.in_child(migrations_of)
            names = {
                one.name if group.has_server else one.aliases[0]: wanted(one.aliases)
                for one in group.databases
            }
        except Exception as error:
            raise ProjectError(f"The migrations cannot be loaded: {error}") from error
        return self.repository.problems(kept, names)

    def _reject(self, template: Template, setup: ProjectSetup) -> bool:
        """Withdraw a template that has problems; return whether it had any."""
        problems = self.problems(template, setup)
        if problems is None:
            problems = ["It does not say what it is."]
        if problems:
            self.report(_refused(template, problems))
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
                template = self.choose(template).template
        return is_gone

    def _drop_layers(self, template: Template, before: float) -> None:
        """Withdraw the layers that were made before a moment, in seconds since the epoch."""
        group = template.group
        for one in self.repository.kept(template.project, engine=group.has_server):
            if one.is_layer and one.group == group.label and one.created < before:
                self.repository.remove(one)

    def _build_once(
        self,
        template: Template,
        setup: ProjectSetup,
        create: CreateDatabases,
        lend: Callable[[], Sequence[Lease]],
        reason: str,
    ) -> Template:
        """Build a template that does not exist, unless another run has done so meanwhile.

        Args:
            reason: Why the existing template is not used; an empty string if there was none.

        Returns:
            The template, with its manifest.
        """
        with self._locked(_lock_name(template), template):
            found = self.choose(template).template
            if found.manifest:
                self._use(found)
                return found
            renew_before = self.renew_before
            is_shared = renew_before is None and self._is_shared(template)
            if is_shared and (pulled := self._pulled(template)):
                return pulled
            template = found
            started, usual = time.monotonic(), template.group.first_privileges
            if renew_before is not None:
                self._drop_layers(template, renew_before)
                decision = Decision(None, "a new template was requested", privileges=usual)
            elif reason:
                # What spoilt the template may have spoilt its layers, too.
                self._drop_layers(template, time.time())
                decision = Decision(None, reason, privileges=usual)
            else:
                decision = self.decide(template, setup)
            may_resume, late_data, needed = renew_before is None and not reason, True, ""
            if self.build == COMPARE:
                may_resume = False
                reason = f"{decision.reason}; both ways of rendering models are compared"
                decision = replace(decision, start=None, is_late=False, reason=reason)
            on_demand = self.build != DJANGO
            while True:
                try:
                    template = self._build(
                        found, decision, setup, create, lend, on_demand=on_demand
                    )
                    break
                except RenderingError as error:
                    if self.build == COMPARE:
                        raise TemplateError(
                            f"Migrating {template.group.label} fails if models are rendered on "
                            f"demand, and not in Django's own way: {error.message}",
                            "Use --build django until this is fixed, and please report it.",
                        ) from error
                    self.report(
                        TemplateBuildSlowed(group=template.group.label, reason=error.message)
                    )
                    on_demand = False
                except PrivilegeError as error:
                    if decision.is_late:
                        # It may have been refused only because it followed later ones.
                        late_data = False
                        reason = f"going on from an earlier build failed: {error.message}"
                    else:
                        usual = needed = SUPERUSER
                        reason = "a migration needs a superuser, so tests run as one, too: "
                        reason += error.message
                    if may_resume:
                        decision = self.decide(found, setup, late_data=late_data, privileges=needed)
                    else:
                        decision = Decision(None, "", privileges=usual)
                    decision = replace(decision, reason=reason)
                except (TemplateError, ServerError, EngineError) as error:
                    # The layer may have been pruned, or may not be what it was.
                    if decision.start is None:
                        raise
                    if isinstance(error, LayerError) and decision.start.is_layer:
                        self.repository.remove(decision.start)
                    reason = f"going on from an earlier build failed. {error.message}"
                    if decision.is_late:
                        late_data = False
                        decision = self.decide(found, setup, late_data=False, privileges=needed)
                    else:
                        may_resume = False
                        decision = Decision(None, "", privileges=usual)
                    decision = replace(decision, reason=reason)
            self._note_use(template)
            if decision.start is not None:
                start = decision.start
                note_use(self.repository.folder, start.project, start.group, start.fingerprint)
            self.report(
                TemplateBuilt(
                    group=template.group.label,
                    fingerprint=template.fingerprint,
                    seconds=time.monotonic() - started,
                    incremental=decision.start is not None,
                )
            )
        # Others may use it by now.
        if self.push and self._is_shared(template):
            self._push(template)
        return template

    def _use(self, template: Template) -> None:
        """Note that a template that exists is used, and say so."""
        self._note_use(template)
        self.report(_found(template))

    def _note_use(self, template: Template) -> None:
        note_use(
            self.repository.folder, template.project, template.group.label, template.fingerprint
        )

    def _build(
        self,
        template: Template,
        decision: Decision,
        setup: ProjectSetup,
        create: CreateDatabases,
        lend: Callable[[], Sequence[Lease]],
        *,
        on_demand: bool,
    ) -> Template:
        group = template.group
        lent = lend()
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
            self._ensure_base(template.base, template)
        order = BuildOrder(
            template=template,
            start=decision.start,
            setup=setup,
            create=create,
            lent=lent,
            close=self.host().descriptors() if group.has_server or lent else (),
            timeout_seconds=self.build_timeout_seconds,
            places=self.places,
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

    def _pulled(self, template: Template) -> Template | None:
        """The template that a registry had, if it is as it should be, and right today."""
        started = time.monotonic()
        try:
            travelled, problems = self.repository.pull(template, self.registry)
        except EngineError as error:
            self.report(RegistryFailed(reason=error.message))
            return None
        if problems:
            self.report(_refused(template, problems))
        if travelled is None or problems:
            return None
        choice = self.choose(template)
        if not choice.template.manifest:
            problems = [f"Changed since it was built: {name}." for name in choice.changes]
            self.report(_refused(template, problems))
            return None
        self._note_use(choice.template)
        self._say_travelled(TemplatePulled, choice.template, travelled, started)
        return choice.template

    def _push(self, template: Template) -> None:
        """Send what was built to the registry; a registry that refuses is no end to a run."""
        started = time.monotonic()
        try:
            travelled = share.push(self.host(), template, self.registry)
        except EngineError as error:
            self.report(RegistryFailed(reason=error.message))
            return
        self._say_travelled(TemplatePushed, template, travelled, started)

    def _is_shared(self, template: Template) -> bool:
        """Whether a registry may have it; SQLite's are no images."""
        return bool(self.registry) and template.group.has_server

    def _say_travelled(
        self,
        event: type[TemplatePulled | TemplatePushed],
        template: Template,
        travelled: Travelled,
        started: float,
    ) -> None:
        self.report(
            event(
                group=template.group.label,
                fingerprint=template.fingerprint,
                registry=self.registry,
                layers=travelled.layers,
                present=travelled.present,
                seconds=time.monotonic() - started,
            )
        )

    def _ensure_base(self, base: BaseImage, template: Template) -> None:
        host = self.host()
        if host.call(FindTemplate(image=base.name), ANSWER_SECONDS) is not None:
            return
        if base.folder is None:
            raise ImageUnavailableError(f"The image {base.name} has gone from the engine.")
        with self._locked(f"base-{template.group.vendor.value}-{base.context[:32]}", template):
            self.report(BaseImageBuildStarted(image=base.name))
            build = BuildBase(image=base.name, folder=str(base.folder), context=base.context)
            host.call(build, IMAGE_SECONDS)

    @contextmanager
    def _locked(self, name: str, template: Template) -> Iterator[None]:
        """Between runs, one at a time; let go even when the holder is killed."""
        folder = self.repository.folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.report(
                TemplateAwaited(group=template.group.label, fingerprint=template.fingerprint)
            )
            try:
                lock.acquire(timeout=self.build_timeout_seconds)
            except Timeout as error:
                raise TemplateError(
                    f"Another run has been building {name} for more than "
                    f"{self.build_timeout_seconds:g} seconds.",
                    "End that run, or give it more time with --build-timeout.",
                ) from error
        try:
            yield
        finally:
            lock.release()


def _lock_name(template: Template) -> str:
    return f"{slug(template.project)}-{template.key[:32]}"


def _refused(template: Template, problems: Sequence[str]) -> TemplateRefused:
    return TemplateRefused(
        group=template.group.label, fingerprint=template.fingerprint, problems=tuple(problems)
    )


def _found(template: Template) -> TemplateFound:
    group = template.group
    return TemplateFound(group=group.label, aliases=group.aliases, fingerprint=template.fingerprint)
