"""Chooses the template that is right today, or what to build a missing one from."""

from __future__ import annotations

from dataclasses import dataclass

from ctest_containers.errors import ProjectError
from ctest_containers.model import SUPERUSER
from ctest_containers.project.migrations import migrations_of, read_plan
from ctest_containers.project.process import ProjectSetup
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.template.candidates import Choice, changes, choose
from ctest_containers.template.identity import Template
from ctest_containers.template.incremental import find_nearest
from ctest_containers.template.layers import Decision, can_be_left, find_start, milestone_of
from ctest_containers.template.repository import TemplateRepository
from ctest_containers.template.stored import StoredTemplate
from ctest_containers.text import listing


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChooser:
    """Compares what a repository has with what would be built today.

    Attributes:
        places: Where the project is.
        most_seconds: How old what a build got from clocks and random numbers may be; 0 for no
            limit.
    """

    repository: TemplateRepository
    places: PortablePaths
    most_seconds: float

    def choose(self, template: Template) -> Choice:
        """The template that exists and would be built in the same way today, if there is one.

        Raises:
            EngineError: The engine does not answer.
        """
        kept = self.repository.kept(template.project, engine=template.group.has_server)
        return choose(template, kept, self.places, most_seconds=self.most_seconds)

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
        stored = self.repository.kept(template.project, engine=group.has_server)
        same = [one for one in stored if one.group == group.label]
        earlier = [one for one in same if not one.is_layer]
        nearest = find_nearest(template.inputs, earlier)
        choice = choose(template, earlier, self.places, most_seconds=self.most_seconds)
        if choice.changes:
            reason = f"changed: {listing(choice.changes)}"
        elif nearest is None:
            reason = "there is no earlier template of this project"
        elif changed := self.changes(nearest[0]):
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
            template, same, plan, self.changes, late_data=late_data, privileges=privileges
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

    def changes(self, stored: StoredTemplate) -> list[str]:
        """Return the names of what has changed since a template or a layer was built."""
        return changes(stored, self.places, most_seconds=self.most_seconds)

    def problems(self, template: Template, setup: ProjectSetup | None = None) -> list[str] | None:
        """What is wrong with a template as it is here, a sentence each; None if it is not here.

        Migrations that the project has and its databases have not had are among them.

        Args:
            setup: See `decide`.
        """
        stored = self.repository.find(template)
        if stored is None:
            return None
        if template.has_own_runner:
            # It may fill the databases in another way.
            return self.repository.problems(stored)
        group = template.group
        try:
            wanted = migrations_of if setup is None else setup.in_child(migrations_of)
            names = {
                one.name if group.has_server else one.aliases[0]: wanted(one.aliases)
                for one in group.databases
            }
        except Exception as error:
            raise ProjectError(f"The migrations cannot be loaded: {error}") from error
        return self.repository.problems(stored, names)
