"""Layers: intermediate states of a build, from which later builds resume.

Image builds keep layers in the same way: https://docs.docker.com/build/cache/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final

from ctest_containers.backends.relation_locks import Touched
from ctest_containers.fingerprint import Input
from ctest_containers.model import SUPERUSER
from ctest_containers.project.migrations import Plan
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.incremental import MIGRATION, PERMISSIONS, Difference, digests
from ctest_containers.template.stored import StoredTemplate

MAX_DEPTH: Final = 5
"""The longest chain of builds that resume from one another; it limits the layers of an image."""


@dataclass(frozen=True, slots=True)
class Decision:
    """From what a missing template is built, and why.

    Attributes:
        start: The layer or template from which the build resumes; None for a full build.
        nearest: The earlier template that differs least, and how; None if there is none.
        is_late: Whether migrations with data are applied after later ones. The build fails if they
            turn out to depend on each other.
        privileges: What the project's roles may do in the build, OWNER or SUPERUSER; empty if its
            vendor's backend does not distinguish.
    """

    start: StoredTemplate | None
    reason: str
    nearest: tuple[StoredTemplate, Difference] | None = field(default=None, compare=False)
    is_late: bool = False
    privileges: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A point between two migrations of a build, at which a layer can be saved.

    Attributes:
        applied: The applied migrations in their order, by the first alias of each database.
        complete: The first aliases of the databases for which `post_migrate` has been sent.
        states: The digests of the values that the build has used so far, by name.
        receivers: The names of the connected receivers of signals.
        touched: What each migration has touched, by its name; empty if unknown.
        acting: Migrations, applied or not, whose modules have side effects when imported.
        is_delayed: The attribute of this name of Django's `ProjectState`.
        obstacle: Why no build can resume from here; an empty string if one can.
        is_superuser: Whether the project's roles were made superusers for the build.
        users: The role that each alias connected as.
    """

    applied: dict[str, list[str]] = field(default_factory=dict)
    complete: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    receivers: str = ""
    touched: dict[str, Touched] = field(default_factory=dict)
    acting: list[str] = field(default_factory=list)
    is_delayed: bool = False
    obstacle: str = ""
    is_superuser: bool = False
    users: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the milestone as text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Milestone:
        """Return the milestone that `to_json` returned as text.

        Raises:
            ValueError: The text is not JSON.
            TypeError: The text is not a milestone.
        """
        milestone = cls(**json.loads(text))
        lists = [milestone.complete, milestone.acting, *milestone.applied.values()]
        is_text = isinstance(milestone.obstacle, str)
        if not is_text or not all(isinstance(names, list) for names in lists):
            raise TypeError(text)
        return milestone

    @property
    def count(self) -> int:
        """How many migrations have been applied, in all databases."""
        return sum(map(len, self.applied.values()))


@dataclass(frozen=True, slots=True)
class Start:
    """Where a build resumes.

    Attributes:
        amount: How much of the plan is already applied, in words.
        is_late: See `Decision`.
    """

    stored: StoredTemplate
    amount: str
    is_late: bool


def find_start(
    template: ProjectTemplate,
    templates: Iterable[StoredTemplate],
    plan: Plan,
    changes: Callable[[StoredTemplate], Collection[str]],
    *,
    late_data: bool,
    privileges: str = "",
) -> Start | None:
    """Return the layer or template that leaves a build the least to do; None if there is none.

    A layer takes precedence over a template: a build that resumes from it gives content types and
    permissions the same ids as in a fresh database. Only templates are shared between machines.

    Args:
        templates: Layers and templates of the same databases.
        plan: Today's plan.
        changes: Returns the names of what has changed since a layer or template was built.
        late_data: Whether new migrations with data may be applied after later ones.
        privileges: The privileges that the build needs, OWNER or SUPERUSER; empty for either.
    """
    ranked = []
    for stored in templates:
        milestone = milestone_of(stored)
        if not milestone.applied or stored.depth >= MAX_DEPTH:
            continue
        if template.group.privileges and not _has_roles(milestone, template, privileges):
            continue
        missing = _missing(stored, milestone, template, plan, late_data=False)
        is_late = False
        if missing is None and late_data and milestone.touched and not milestone.complete:
            missing = _missing(stored, milestone, template, plan, late_data=True)
            is_late = True
        if missing is not None:
            rank = (
                *(missing, is_late, milestone.is_superuser),
                *(not stored.is_layer, -stored.used, stored.source),
            )
            ranked.append((rank, stored, milestone.count))
    for (missing, is_late, *_), stored, count in sorted(ranked, key=lambda pair: pair[0]):
        if not changes(stored):
            return Start(stored, f"{count} of {count + missing} are already applied", is_late)
    return None


def is_resumable(template: ProjectTemplate) -> bool:
    """Return whether later builds can resume from a build of this template.

    They cannot if the project has its own test runner, `migrate` command or `pre_migrate`
    receivers.
    """
    return not template.has_own_runner and not any(
        name.startswith("command migrate")
        or (name.endswith(" of pre_migrate") and not name.startswith("receiver django."))
        for name in (input_.name for input_ in template.inputs)
    )


def milestone_of(stored: StoredTemplate) -> Milestone:
    """Return the milestone that a layer or template was saved at; an empty one if unknown."""
    with suppress(ValueError, TypeError, AttributeError):
        return Milestone.from_json(stored.milestone)
    return Milestone()


def layer_inputs(
    inputs: Iterable[Input], milestone: Milestone, unused: Collection[str]
) -> dict[str, str]:
    """Return the digests of the inputs that a build has used up to a milestone.

    Args:
        unused: The names of migrations that the build has not used.
    """
    return {
        name: digest
        for name, digest in digests(inputs).items()
        if name.removeprefix(MIGRATION) not in unused
        and (milestone.complete or not name.startswith(PERMISSIONS))
    }


def _has_roles(milestone: Milestone, template: ProjectTemplate, privileges: str) -> bool:
    """Return whether it was built as today's roles, with the privileges that this build needs."""
    may_do = not privileges or milestone.is_superuser == (privileges == SUPERUSER)
    return may_do and milestone.users == template.group.users


def _missing(
    stored: StoredTemplate,
    milestone: Milestone,
    template: ProjectTemplate,
    plan: Plan,
    *,
    late_data: bool,
) -> int | None:
    """Count the migrations that a layer or template lacks; None if no build can resume from it."""
    today = digests(template.inputs)
    for name, digest in stored.inputs.items():
        # Files beside migrations may be gone: the manifest lists those that were read.
        if today.get(name) != digest and (name in today or not name.startswith(MIGRATION)):
            return None
    # Migrations that no database of the group gets are not among the inputs.
    steps = frozenset(name for name in plan.steps if MIGRATION + name in today)
    known = {name.removeprefix(MIGRATION) for name in stored.inputs if name in today}
    missing = 0
    for database in template.group.databases:
        applied = milestone.applied.get(database.aliases[0], [])
        lacks = steps.difference(applied)
        if not steps & known >= {*applied} or plan.misplaced(applied, is_watched=late_data):
            return None
        is_complete = database.aliases[0] in milestone.complete
        is_alone = len(template.group.databases) == 1
        if lacks and is_complete and not (is_alone and _may_follow(lacks, stored, template, plan)):
            return None
        missing += len(lacks)
    new = (name for name in today if name not in stored.inputs and not name.startswith(MIGRATION))
    # `post_migrate` creates permissions, if the build still sends it.
    is_sent = bool(missing) or not milestone.complete
    if all(is_sent and name.startswith(PERMISSIONS) for name in new):
        return missing
    return None


def _may_follow(
    migrations: Collection[str], stored: StoredTemplate, template: ProjectTemplate, plan: Plan
) -> bool:
    """Return whether a template, for which `post_migrate` was sent, may get these migrations."""
    if stored.is_layer or plan.has_squashed:
        return False
    return plan.with_data.isdisjoint(migrations) and not any(
        input_.name.endswith(" of post_migrate") and not input_.name.startswith("receiver django.")
        for input_ in template.inputs
    )
