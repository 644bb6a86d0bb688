"""Chooses the template to use, or what to build a missing one from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ctest_containers.errors import ProjectError
from ctest_containers.model import SUPERUSER
from ctest_containers.project.migrations import migrations_of, read_plan
from ctest_containers.project.process import ProjectSetup
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.template.candidates import Choice, changes, choose
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.incremental import find_nearest
from ctest_containers.template.layers import Decision, find_start, is_resumable, milestone_of
from ctest_containers.template.repository import TemplateRepository
from ctest_containers.template.stored import StoredTemplate
from ctest_containers.text import listing


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChooser:
    """Compares the templates of a repository with what would be built today.

    Attributes:
        paths: Names files relative to the project.
        max_age_seconds: The maximum age of values that a build got from clocks and random numbers;
            0 for no limit.
        likely: Images of which one is likely to be the template.
    """

    repository: TemplateRepository
    paths: PortablePaths
    max_age_seconds: float
    likely: Collection[str] = ()

    def choose(self, template: ProjectTemplate) -> Choice:
        """Choose the stored template that would be built in the same way today.

        Raises:
            EngineError: The engine does not answer.
        """
        if template.group.has_server:
            # To find an image takes a tenth of the time of listing them.
            for name in self.likely:
                if name.startswith(f"{template.repository}:"):
                    likely = self.repository.image(name)
                    choice = self._choose(template, [] if likely is None else [likely])
                    if choice.template.manifest:
                        return choice
        stored = self.repository.stored(template.project, engine=template.group.has_server)
        return self._choose(template, stored)

    def _choose(self, template: ProjectTemplate, stored: Sequence[StoredTemplate]) -> Choice:
        return choose(template, stored, self.paths, max_age_seconds=self.max_age_seconds)

    def decide(
        self,
        template: ProjectTemplate,
        setup: ProjectSetup | None = None,
        *,
        late_data: bool = True,
        privileges: str = "",
    ) -> Decision:
        """Decide from what a missing template would be built, and why.

        Args:
            setup: How child processes start, if a build follows: this process must not load what
                migrations import, because the build would not record it.
            late_data: See `find_start`.
            privileges: See `find_start`.
        """
        group = template.group
        usual = privileges or group.first_privileges
        everything = self.repository.stored(template.project, engine=group.has_server)
        same = [stored for stored in everything if stored.group == group.label]
        earlier = [stored for stored in same if not stored.is_layer]
        nearest = find_nearest(template.inputs, earlier)
        choice = choose(template, earlier, self.paths, max_age_seconds=self.max_age_seconds)
        if choice.changes:
            reason = f"changed: {listing(choice.changes)}"
        elif nearest is None:
            reason = "there is no earlier template of this project"
        elif changed := self.changes(nearest[0]):
            reason = f"{nearest[1]}; changed: {listing(changed)}"
        else:
            reason = str(nearest[1])
        if not same or not is_resumable(template):
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
        if usual and milestone_of(start.stored).is_superuser:
            usual = SUPERUSER
        reason = f"{reason}; {start.amount}"
        return Decision(start.stored, reason, nearest, start.is_late, usual)

    def changes(self, stored: StoredTemplate) -> list[str]:
        """Return the names of what has changed since a template or layer was built."""
        return changes(stored, self.paths, max_age_seconds=self.max_age_seconds)

    def problems(
        self, template: ProjectTemplate, setup: ProjectSetup | None = None
    ) -> list[str] | None:
        """Return the problems of a stored template, a sentence each; None if it is not stored.

        They include migrations of the project that its databases lack.

        Args:
            setup: See `decide`.

        Raises:
            ProjectError: The migrations cannot be loaded.
        """
        stored = self.repository.find(template)
        if stored is None:
            return None
        if template.has_own_runner:
            # It may migrate in another way.
            return self.repository.problems(stored)
        group = template.group
        try:
            read = migrations_of if setup is None else setup.in_child(migrations_of)
            migrations = {
                database.name if group.has_server else database.aliases[0]: read(database.aliases)
                for database in group.databases
            }
        except Exception as error:
            raise ProjectError(f"The migrations cannot be loaded: {error}") from error
        return self.repository.problems(stored, migrations)
