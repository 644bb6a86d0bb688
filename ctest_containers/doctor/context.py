"""What the doctor looks at: this machine, the engine, and the project if it can be loaded."""

from __future__ import annotations

import unittest
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.engine import ContainerEngine
from ctest_containers.engine.facts import EngineFacts
from ctest_containers.engine.reach import Reach
from ctest_containers.errors import EngineError
from ctest_containers.fingerprint import Input
from ctest_containers.model import DatabaseGroup
from ctest_containers.project.databases import DatabasePlans
from ctest_containers.project.suite import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A Django project that has been loaded.

    Attributes:
        tests: Those that the command line selects.
        unloadable: The modules of tests that cannot be imported, and why.
        aliases: The databases that the tests use.
        groups: Those that have a backend, by server.
        asked: The number of workers that the command line asks for; None for as many as help.
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
    """

    config: Config
    plans: DatabasePlans
    tests: Sequence[unittest.TestCase] = ()
    unloadable: Mapping[str, str] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    groups: tuple[DatabaseGroup, ...] = ()
    batches: Sequence[Batch] = ()
    asked: int | None = None
    runner_inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorContext:
    """Everything that checks are made with.

    Attributes:
        folder: The one that the command runs in.
        cache: The toolkit's folder in the user's cache.
        config: As far as it is known; without a project, from the environment alone.
        project: None where it cannot be loaded.
        reached: What came of asking at the engine's address.
        trouble: Why an engine that can be reached says nothing of itself; None where it does.
        facts: What the engine says of itself; None where it does not answer.
        engine: To ask for images and containers; None where it does not answer.
    """

    folder: Path
    cache: Path
    config: Config
    project: Project | None
    reached: Reach
    trouble: EngineError | None = None
    facts: EngineFacts | None = None
    engine: ContainerEngine | None = None

    @property
    def name(self) -> str:
        """The project's name."""
        return project_of(self.config)

    @property
    def server_groups(self) -> tuple[DatabaseGroup, ...]:
        """The databases that need a server."""
        groups = () if self.project is None else self.project.groups
        return tuple(group for group in groups if group.has_server)

    @property
    def needs_engine(self) -> bool:
        """Whether tests could not run without an engine, as far as that is known."""
        return self.project is None or bool(self.server_groups)
