"""Pulls templates from a container registry, and pushes them there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ctest_containers.engine.values import Travelled
from ctest_containers.errors import EngineError
from ctest_containers.events import (
    Event,
    RegistryFailed,
    TemplatePulled,
    TemplatePushed,
    TemplateRefused,
)
from ctest_containers.servers.client import ServerHostClient
from ctest_containers.template import share
from ctest_containers.template.chooser import TemplateChooser
from ctest_containers.template.identity import ProjectTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRegistry:
    """A container registry with templates.

    Attributes:
        registry: Its repository, such as `ghcr.io/acme/templates`; empty for none.
        host: Returns the server host, and starts it if it does not run yet.
    """

    registry: str
    host: Callable[[], ServerHostClient]
    chooser: TemplateChooser
    report: Callable[[Event], None]

    def pull(self, template: ProjectTemplate) -> ProjectTemplate | None:
        """Pull a template; return it if it has no problems and would be built like this today."""
        started = time.monotonic()
        try:
            travelled, problems = self.chooser.repository.pull(template, self.registry)
        except EngineError as error:
            self.report(RegistryFailed(reason=error.message))
            return None
        if problems:
            self.report(refused(template, problems))
        if travelled is None or problems:
            return None
        choice = self.chooser.choose(template)
        if not choice.template.manifest:
            problems = [f"Changed since it was built: {name}." for name in choice.changes]
            self.report(refused(template, problems))
            return None
        self._report_travelled(TemplatePulled, choice.template, travelled, started)
        return choice.template

    def push(self, template: ProjectTemplate) -> None:
        """Push a new template; a registry that refuses it does not end the run."""
        started = time.monotonic()
        try:
            travelled = share.push(self.host(), template, self.registry)
        except EngineError as error:
            self.report(RegistryFailed(reason=error.message))
            return
        self._report_travelled(TemplatePushed, template, travelled, started)

    def may_have(self, template: ProjectTemplate) -> bool:
        """Return whether the registry may have a template; SQLite templates are not images."""
        return bool(self.registry) and template.group.has_server

    def _report_travelled(
        self,
        event: type[TemplatePulled | TemplatePushed],
        template: ProjectTemplate,
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


def refused(template: ProjectTemplate, problems: Sequence[str]) -> TemplateRefused:
    """Return the event which says that a template is not used because of its problems."""
    return TemplateRefused(
        group=template.group.label, fingerprint=template.fingerprint, problems=tuple(problems)
    )
