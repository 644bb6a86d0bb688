"""What is known about a run before its tests are."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctest_containers.config import Config, limits_of
from ctest_containers.events import Event
from ctest_containers.limits import Limits
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.suite import Batch
from ctest_containers.session.planning import RunPlan, plan_run
from ctest_containers.session.request import RunRequest
from ctest_containers.session.run_timings import RunTimings
from ctest_containers.session.share import Share
from ctest_containers.supply.supply import Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What an executor needs to know about a run.

    Attributes:
        run_id: The id of the run.
        folder: The folder in which it was started.
        selection: What decides which tests are selected: labels, patterns, tags.
        asked: The number of workers that the user asked for; None lets the machine decide.
        timings: What past runs have measured.
        share: The part of the tests that this job runs.
    """

    run_id: str
    folder: Path
    config: Config
    setup: ProjectSetup
    limits: Limits
    selection: Sequence[str]
    asked: int | None
    supply: Supply
    timings: RunTimings
    share: Share
    report: Callable[[Event], None]

    def plan(self, batches: Sequence[Batch], aliases: Collection[str]) -> RunPlan:
        """Return the plan for running these batches on this machine."""
        groups = self.supply.databases.plans.select(aliases)
        return plan_run(
            config=self.config,
            asked=self.asked,
            batches=batches,
            timings=self.timings.past,
            groups=groups,
            engine_bytes=self.supply.host.free_bytes(groups),
        )


def new_context(
    request: RunRequest, timings: RunTimings, report: Callable[[Event], None]
) -> RunContext:
    """Return the context of a run that starts in the current folder.

    Raises:
        CtestError: The configuration is invalid.
    """
    config, setup, run_id = request.config, request.setup(), secrets.token_hex(4)
    limits = limits_of(config)
    supply = Supply(
        config=config,
        setup=setup,
        create=request.spawn_create if setup.spawned else request.create,
        runner_inputs=request.runner_inputs,
        report=report,
        run_id=run_id,
        resources=request.resources,
    )
    return RunContext(
        run_id=run_id,
        folder=Path.cwd(),
        config=config,
        setup=setup,
        limits=limits,
        selection=request.selection,
        asked=request.asked,
        supply=supply,
        timings=timings,
        share=Share(config, timings, report),
        report=report,
    )
