"""The task of a build, and the messages that its process sends to its parent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ctest_containers.model import DatabaseGroup, Lease
from ctest_containers.project.process import ProjectSetup
from ctest_containers.rendering.transcript import Transcript
from ctest_containers.template.layers import Milestone

EXIT_SETTING_NAMED: Final = 3
"""The exit code of a build whose error names a setting that the toolkit gives its servers."""

EXIT_REFUSED: Final = 4
"""The exit code of a build in which the project's role lacked a privilege."""

LAYER: Final = "layer"
"""The subfolder of a build's folder in which it saves SQLite databases at a milestone."""

CreateDatabases = Callable[[Sequence[str], bool], object]
"""Creates and migrates the test databases of some aliases, as Django's runner does.

The second argument says whether they exist already, and lack only some migrations.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTask:
    """The databases that a process has to create and migrate.

    Attributes:
        leases: Where the aliases live while the template is built.
        lent: Databases of other servers that migrations may read, but not write.
        may_need_superuser: Whether a missing privilege raises `PrivilegeError` instead of being
            printed.
        on_demand: Whether models are rendered when an operation asks for them.
        transcribes: Whether the build is transcribed.
        known_seconds: How long migrations took in earlier builds.
        folder: Where SQLite databases are saved, a file for each alias; at milestones in its
            subfolder LAYER. None for a server.
        start: The milestone from which the build resumes; empty for a full build.
        saves_layers: Whether the process pauses at milestones, so that layers can be saved.
        is_watched: Whether this build resumes from another, or others may resume from it.
    """

    setup: ProjectSetup
    create: CreateDatabases
    group: DatabaseGroup
    leases: Sequence[Lease]
    lent: Sequence[Lease]
    may_need_superuser: bool
    on_demand: bool
    transcribes: bool
    known_seconds: Mapping[str, float]
    folder: Path | None
    start: Milestone
    saves_layers: bool
    is_watched: bool


@dataclass(frozen=True, slots=True)
class MilestoneReached:
    """A build has reached a milestone, and waits for an answer.

    Attributes:
        used: What the build has used, as JSON.
        facts: What each alias's connection remembers about the server.
        unused: The names of migrations that it has not used.
        is_last: Whether the build is complete, and does not wait.
        transcript: What it has done; None before it is complete, or if it was not transcribed.
        seconds: How long each migration took; empty before it is complete.
    """

    milestone: Milestone
    used: str
    facts: Mapping[str, Mapping[str, str]]
    unused: frozenset[str] = frozenset()
    is_last: bool = False
    transcript: Transcript | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
