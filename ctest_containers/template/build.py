"""Has a child process create and migrate the databases of a template."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.errors import TemplateError
from ctest_containers.events import Event, MigrationsProgressed, TemplateBuildSlowed
from ctest_containers.project.models import labels_with_tables, modules_of_models
from ctest_containers.project.process import start_child
from ctest_containers.recording.used import Used
from ctest_containers.rendering.transcript import Transcript
from ctest_containers.template.build_process import create_in_this_process
from ctest_containers.template.build_task import (
    EXIT_REFUSED,
    EXIT_SETTING_NAMED,
    BuildTask,
    MilestoneReached,
)
from ctest_containers.template.layers import Milestone
from ctest_containers.template.milestones import SaveMilestone

END_SECONDS: Final = 10.0
"""How long a child may take to end after its last message."""

HINTS: Final = {
    EXIT_SETTING_NAMED: (
        "The setting printed above may be the cause: your usual database server may have another "
        "value. Override it with --server-settings."
    ),
    EXIT_REFUSED: (
        "If the role has this privilege on your usual database server, use --database-role auto "
        "or superuser."
    ),
}
"""Hints for the user, by the exit code of the child."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build has done.

    Attributes:
        milestone: The last milestone.
        used: What the project's code used.
        facts: What each alias's connection remembers about the server.
        transcript: What the build did; None if it was not transcribed.
        seconds: How long each migration took.
    """

    milestone: Milestone
    used: Used
    facts: Mapping[str, Mapping[str, str]]
    transcript: Transcript | None
    seconds: Mapping[str, float]


def build_in_child(
    task: BuildTask,
    *,
    save: SaveMilestone | None,
    report: Callable[[Event], None],
    close: Sequence[int],
    timeout_seconds: float,
) -> BuildResult:
    """Create a group's databases in a child process, and wait for it.

    Args:
        save: Called at milestones, while the child waits; None if no layers are saved.
        report: Called with each event.
        close: Descriptors of the parent that a forked child must close.

    Raises:
        PrivilegeError: A migration needs a privilege that its role lacks.
        RenderingError: The build has to be repeated with models rendered as Django does.
        TemplateError: Django could not create or migrate them, and has printed why.
    """
    setup, group = task.setup, task.group
    parent_end, child_end = setup.context.Pipe()
    process = setup.context.Process(  # type: ignore[attr-defined]  # typeshed: on every context
        target=create_in_this_process,
        args=(
            task,
            child_end,
            () if setup.spawned else tuple(close),
            modules_of_models() if setup.spawned else {},
            labels_with_tables() if setup.spawned else frozenset(),
        ),
        name=f"template-{group.label}",
    )
    sys.stdout.flush()
    sys.stderr.flush()
    start_child(process)
    child_end.close()
    answer: MilestoneReached | TemplateError | None = None
    deadline = Deadline(timeout_seconds)
    try:
        while ready := wait([parent_end, process.sentinel], deadline.remaining):
            message = None
            if parent_end in ready:
                # A child that fails may end without a message.
                with suppress(EOFError, ConnectionResetError):
                    message = parent_end.recv()
            if isinstance(message, (MigrationsProgressed, TemplateBuildSlowed)):
                report(message)
                continue
            if not isinstance(message, MilestoneReached) or message.is_last:
                answer = message
                process.join(END_SECONDS)
                break
            if save is not None:
                save(message.milestone, Used.from_json(message.used), message.unused)
            parent_end.send(None)
    finally:
        parent_end.close()
        late = process.exitcode is None
        if late:
            process.kill()
            process.join()
    if late:
        raise TemplateError(
            f"Migrating the template for {group.label} took longer than {timeout_seconds:g} "
            "seconds and was stopped.",
            "Give it more time with --build-timeout.",
        )
    if isinstance(answer, TemplateError):
        raise answer
    if process.exitcode != 0:
        raise TemplateError(
            f"The test databases of {', '.join(map(repr, group.aliases))} could not be created and "
            "migrated; the reason is printed above.",
            HINTS.get(
                process.exitcode,
                "Run manage.py migrate on an empty database, which should show the same error.",
            ),
        )
    assert answer is not None
    used = Used.from_json(answer.used)
    return BuildResult(answer.milestone, used, answer.facts, answer.transcript, answer.seconds)
