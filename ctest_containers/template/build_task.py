"""What a build is to do, and what the process that does it sends to its parent."""

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
"""The exit code of a build whose error names a setting that the toolkit's servers have."""

EXIT_REFUSED: Final = 4
"""The exit code of a build in which the project's role lacked a privilege."""

LAYER: Final = "layer"
"""The folder in that of a build in which SQLite's databases are saved at a milestone."""

CreateDatabases = Callable[[Sequence[str], bool], object]
"""Creates and migrates the test databases of some aliases, as Django's runner does.

The second argument says whether they are there already, and lack only some migrations.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTask:
    """The databases that a process has to create and migrate.

    Attributes:
        leases: Where the aliases live while the template is built.
        lent: Databases of other servers that migrations may read, but not write.
        may_need_superuser: Whether a missing privilege raises PrivilegeError, instead of being
            printed.
        on_demand: Whether models are rendered when an operation asks for them.
        transcribes: Whether what the build does is taken down.
        known_seconds: How long migrations took in earlier builds.
        folder: Where SQLite's databases are saved, a file for each alias, and in a folder LAYER
            in it at milestones; None for a server.
        start: What the databases have had already; empty if there are none yet.
        is_left: Whether the process stops at milestones, so that layers can be saved.
        is_watched: Whether other builds may resume from what this one makes, or this one does.
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
    is_left: bool
    is_watched: bool


@dataclass(frozen=True, slots=True)
class Left:
    """Says that a build is at a milestone, and waits.

    Attributes:
        used: What it has used, as JSON.
        facts: What each alias's connection remembers about the server.
        transcript: What it has done, at its end, if that was taken down.
        seconds: How long each migration took, at its end.
        unused: The names of migrations that it has not used.
        is_last: Whether it is at its end, and does not wait.
    """

    milestone: Milestone
    used: str
    facts: Mapping[str, Mapping[str, str]]
    unused: frozenset[str] = frozenset()
    is_last: bool = False
    transcript: Transcript | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
