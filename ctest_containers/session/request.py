"""The request of a test runner for a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.test.runner import DiscoverRunner

from ctest_containers.config import Config
from ctest_containers.fingerprint import Input
from ctest_containers.project import settings
from ctest_containers.project.process import ProjectSetup, pickled_call, spawns
from ctest_containers.supply.resource import Resource
from ctest_containers.template.build_task import CreateDatabases


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a session needs to know from a test runner.

    Attributes:
        selection: What decides which tests are selected: labels, patterns, tags.
        selects_all: Whether neither labels nor options leave out tests of the project, apart from
            options of this toolkit.
        asked: The number of workers that the user asked for; None lets the machine decide.
        prepare_spawned: The function that Django's own parallel runner calls in a spawned worker,
            and its arguments.
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
        create: Creates and migrates the test databases of some aliases, in a child process.
        spawn_create: The same for a spawned child; must be picklable.
        resources: What each worker gets for itself besides databases.
        pdb: Whether to debug tests that fail.
    """

    config: Config
    selection: Sequence[str]
    selects_all: bool = False
    asked: int | None
    debug_mode: bool
    prepare_spawned: tuple[Callable[..., object], tuple[Any, ...]]
    runner_inputs: Sequence[Input]
    create: CreateDatabases
    spawn_create: CreateDatabases
    resources: Sequence[Resource] = ()
    pdb: bool = False

    def setup(self) -> ProjectSetup:
        """Return how child processes load the project."""
        spawned = spawns(self.config.start_method)
        is_elsewhere = spawned or bool(self.config.cluster)
        prepare, arguments = self.prepare_spawned
        return ProjectSetup(
            spawned=spawned,
            debug_mode=self.debug_mode,
            prepare=pickled_call(prepare, *arguments) if is_elsewhere else b"",
            settings=settings.without_module() if spawned else b"",
        )


def selection_of(runner: DiscoverRunner, test_labels: Any, config: Config) -> list[str]:
    """Return what the choice of tests depends on, and with it the databases that they need."""
    asked: Any = runner
    parts = [*(test_labels or ()), f"pattern={runner.pattern}", f"parallel={asked._asked}"]
    parts += [f"shard={config.shard}"] if config.shard else []
    parts += ["failed"] if config.failed else []
    parts += ["affected"] if config.affected is not None else []
    parts += [f"name={name}" for name in sorted(runner.test_name_patterns or ())]
    parts += [f"tag={tag}" for tag in sorted(runner.tags)]
    return parts + [f"exclude={tag}" for tag in sorted(runner.exclude_tags)]
