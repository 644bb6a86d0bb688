"""Decides how a build that has failed is attempted again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ctest_containers.errors import (
    CtestError,
    EngineError,
    PrivilegeError,
    RenderingError,
    ServerError,
    TemplateError,
)
from ctest_containers.events import Event, TemplateBuildSlowed
from ctest_containers.model import COMPARE, DJANGO, SUPERUSER
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.layers import Decision
from ctest_containers.template.stored import StoredTemplate

Decide = Callable[..., Decision]
"""Decides where a build starts, given the options `late_data` and `privileges` of `decide`."""


class BuildAttempts:
    """The attempts to build a template.

    Args:
        build: How migrations run: AUTO, DJANGO or COMPARE.
        may_resume: Whether the build may resume from an earlier one.
        reason: Why it may not; empty if it may.

    Attributes:
        decision: What the next attempt starts from.
        is_on_demand: Whether the next attempt renders models on demand.
    """

    def __init__(
        self,
        template: ProjectTemplate,
        decide: Decide,
        *,
        build: str,
        may_resume: bool,
        reason: str,
    ) -> None:
        self._template = template
        self._decide = decide
        self._build = build
        self._usual = template.group.first_privileges
        self._needed = ""
        self._late_data = True
        self._may_resume = may_resume and build != COMPARE
        self.is_on_demand = build != DJANGO
        if may_resume:
            self.decision = decide()
        else:
            self.decision = Decision(None, reason, privileges=self._usual)
        if build == COMPARE:
            reason = f"{self.decision.reason}; both ways of rendering models are compared"
            self.decision = replace(self.decision, start=None, is_late=False, reason=reason)

    @property
    def layer(self) -> StoredTemplate | None:
        """The layer that the attempt resumes from; None if there is none."""
        start = self.decision.start
        return start if start is not None and start.is_layer else None

    def after(self, error: CtestError) -> Iterator[Event]:
        """Decide what the next attempt does, and yield the events to report.

        Raises:
            CtestError: No other attempt can succeed; this is `error`, or describes it.
        """
        match error:
            case RenderingError():
                yield from self._after_rendering(error)
            case PrivilegeError():
                self._after_privilege(error)
            case TemplateError() | ServerError() | EngineError() if self.decision.start is not None:
                # The layer may have been pruned or changed.
                self._after_resuming(error)
            case _:
                raise error

    def _after_rendering(self, error: RenderingError) -> Iterator[Event]:
        label = self._template.group.label
        if self._build == COMPARE:
            raise TemplateError(
                f"Migrating {label} fails when models are rendered on demand, but not in Django's "
                f"own way: {error.message}",
                "Use --build django until this is fixed, and please report it.",
            ) from error
        yield TemplateBuildSlowed(group=label, reason=error.message)
        self.is_on_demand = False

    def _after_privilege(self, error: PrivilegeError) -> None:
        if self.decision.is_late:
            # The migration may lack the privilege only because it followed later ones.
            self._late_data = False
            reason = f"resuming from an earlier build failed: {error.message}"
        else:
            self._usual = self._needed = SUPERUSER
            reason = f"a migration needs a superuser, so tests run as one as well: {error.message}"
        if self._may_resume:
            self._decide_again(reason)
        else:
            self.decision = Decision(None, reason, privileges=self._usual)

    def _after_resuming(self, error: CtestError) -> None:
        reason = f"resuming from an earlier build failed. {error.message}"
        if self.decision.is_late:
            self._late_data = False
            self._decide_again(reason)
        else:
            self._may_resume = False
            self.decision = Decision(None, reason, privileges=self._usual)

    def _decide_again(self, reason: str) -> None:
        decision = self._decide(late_data=self._late_data, privileges=self._needed)
        self.decision = replace(decision, reason=reason)
