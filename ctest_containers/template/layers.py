"""Intermediate states of a build, and the choice of the one from which a later build resumes.

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
from ctest_containers.template.identity import Template
from ctest_containers.template.incremental import MIGRATION, PERMISSIONS, Difference, digests
from ctest_containers.template.stored import StoredTemplate

MAX_DEPTH: Final = 5
"""The longest chain of builds that resume from one another; it limits an image's layers."""


@dataclass(frozen=True, slots=True)
class Decision:
    """From what a missing template is built, and why.

    Attributes:
        start: The layer or template from which the build goes on; None for a full build.
        nearest: The earlier template that differs least, and how; None where there is none.
        is_late: Whether migrations with data follow later ones, which may turn out to be wrong.
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
    """A point of a build at which nothing is half done.

    Attributes:
        applied: By the first alias of each database the migrations that it has had, in their order.
        complete: The first aliases of the databases to which `post_migrate` has been sent.
        states: The digests of the values that the build has used, by name, as they are then.
        receivers: The names of the receivers of signals that were connected then.
        touched: What each migration has touched, by its name; empty if that is not known.
        acting: Migrations whose modules do something when they are imported, applied or not.
        is_delayed: What the state of migrations says of its models.
        obstacle: Why no build can go on from here; an empty string if one can.
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
        """As text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Milestone:
        """What `to_json` gave.

        Raises:
            ValueError: It is something else.
            TypeError: The same.
        """
        found = cls(**json.loads(text))
        lists = [found.complete, found.acting, *found.applied.values()]
        if not all(isinstance(one, list) for one in lists) or not isinstance(found.obstacle, str):
            raise TypeError(text)
        return found

    @property
    def count(self) -> int:
        """How many migrations have been applied, in all databases."""
        return sum(map(len, self.applied.values()))


@dataclass(frozen=True, slots=True)
class Start:
    """Where a build resumes.

    Attributes:
        amount: How much of the plan there is, in words.
        is_late: See `Decision`.
    """

    kept: StoredTemplate
    amount: str
    is_late: bool


def find_start(
    template: Template,
    kept: Iterable[StoredTemplate],
    plan: Plan,
    changes: Callable[[StoredTemplate], Collection[str]],
    *,
    late_data: bool,
    privileges: str = "",
) -> Start | None:
    """The layer or template that leaves a build the least to do.

    A layer goes before a template: from there, content types and permissions get the same numbers
    as in a fresh database. Templates travel to other machines, and layers do not.

    Args:
        kept: Layers and templates of the same databases.
        plan: Today's.
        changes: Gives what is another today than when one of them was made.
        late_data: Whether new migrations with data may follow later ones.
        privileges: The privileges that the build needs, OWNER or SUPERUSER; empty if either will
            do.
    """
    found = []
    for one in kept:
        milestone = milestone_of(one)
        if not milestone.applied or one.depth >= MAX_DEPTH:
            continue
        if template.group.privileges and not _has_roles(milestone, template, privileges):
            continue
        missing = _missing(one, milestone, template, plan, late_data=False)
        is_late = False
        if missing is None and late_data and milestone.touched and not milestone.complete:
            missing = _missing(one, milestone, template, plan, late_data=True)
            is_late = True
        if missing is not None:
            rank = (
                *(missing, is_late, milestone.is_superuser),
                *(not one.is_layer, -one.used, one.source),
            )
            found.append((rank, one, milestone.count))
    for (missing, is_late, *_), one, count in sorted(found, key=lambda pair: pair[0]):
        if not changes(one):
            return Start(one, f"{count} of {count + missing} are there", is_late)
    return None


def can_be_left(template: Template) -> bool:
    """Whether a build of this template can be interrupted and resumed.

    It cannot if the project has its own test runner, `migrate` command, or `pre_migrate` receivers.
    """
    return not template.has_own_runner and not any(
        one.name.startswith("command migrate")
        or (one.name.endswith(" of pre_migrate") and not one.name.startswith("receiver django."))
        for one in template.inputs
    )


def milestone_of(kept: StoredTemplate) -> Milestone:
    """How far the build of a layer or template had come; empty if that is not known."""
    with suppress(ValueError, TypeError, AttributeError):
        return Milestone.from_json(kept.milestone)
    return Milestone()


def layer_inputs(
    inputs: Iterable[Input], milestone: Milestone, unused: Collection[str]
) -> dict[str, str]:
    """The digests of inputs that a build has used up to a milestone.

    Args:
        unused: The names of migrations that it has not used.
    """
    return {
        name: digest
        for name, digest in digests(inputs).items()
        if name.removeprefix(MIGRATION) not in unused
        and (milestone.complete or not name.startswith(PERMISSIONS))
    }


def _has_roles(milestone: Milestone, template: Template, privileges: str) -> bool:
    """Whether it was built as today's roles, with the privileges that this build needs."""
    may_do = not privileges or milestone.is_superuser == (privileges == SUPERUSER)
    return may_do and milestone.users == template.group.users


def _missing(
    kept: StoredTemplate, milestone: Milestone, template: Template, plan: Plan, *, late_data: bool
) -> int | None:
    """How many migrations a layer or template lacks; None if a build cannot go on from it."""
    today = digests(template.inputs)
    for name, digest in kept.inputs.items():
        # Files beside migrations may go: if they were read, that was recorded.
        if today.get(name) != digest and (name in today or not name.startswith(MIGRATION)):
            return None
    # A database that is not migrated has none.
    steps = frozenset(name for name in plan.steps if MIGRATION + name in today)
    known = {name.removeprefix(MIGRATION) for name in kept.inputs if name in today}
    missing = 0
    for database in template.group.databases:
        applied = milestone.applied.get(database.aliases[0], [])
        lacks = steps.difference(applied)
        if not steps & known >= {*applied} or plan.misplaced(applied, is_watched=late_data):
            return None
        is_complete = database.aliases[0] in milestone.complete
        is_alone = len(template.group.databases) == 1
        if lacks and is_complete and not (is_alone and _may_follow(lacks, kept, template, plan)):
            return None
        missing += len(lacks)
    new = (name for name in today if name not in kept.inputs and not name.startswith(MIGRATION))
    # `post_migrate`, which is to come, makes permissions.
    are_to_come = bool(missing) or not milestone.complete
    if all(are_to_come and name.startswith(PERMISSIONS) for name in new):
        return missing
    return None


def _may_follow(
    migrations: Collection[str], kept: StoredTemplate, template: Template, plan: Plan
) -> bool:
    """Whether these may be added to a template, for which `post_migrate` was sent already."""
    if kept.is_layer or plan.has_squashed:
        return False
    return plan.with_data.isdisjoint(migrations) and not any(
        one.name.endswith(" of post_migrate") and not one.name.startswith("receiver django.")
        for one in template.inputs
    )
